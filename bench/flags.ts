import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MODES, SPEED_PAGES, type SpeedPage } from './cases.js';
import { PEERS } from './peers/peers.js';

/** The parts of the bench. `peers` runs only when it is asked for: it installs other tools. */
export const PARTS = ['speed', 'stop', 'growth', 'peers'] as const;
export type Part = (typeof PARTS)[number];

export interface Flags {
  parts: readonly Part[];
  pages: readonly SpeedPage[];
  /** Names in MODES. */
  modes: readonly string[];
  workers: readonly number[];
  /** Frames of each render whose speed is measured. */
  frames: number;
  /** How often each case of speed is run. */
  rounds: number;
  /** How often each stop case is run. */
  stops: number;
  /** Whether to show where a frame's time goes. */
  profile: boolean;
  /** Whether to write the results into the folder `results`. */
  save: boolean;
  /** The other tools that are run beside Genlock, by their names in PEERS. */
  tools: readonly string[];
  /** Folder for the other tools' packages. */
  cache: string;
  /** File for the raw figures. */
  json: string | undefined;
}

const PEER_NAMES = PEERS.map(({ name }) => name);
const PAGES = Object.keys(SPEED_PAGES) as SpeedPage[];

export const USAGE = `npm run bench -- [flags]
  --only part,part   ${PARTS.join(', ')} (default speed,stop)
  --peers            the same as --only peers: other tools beside Genlock, on the same pages
  --pages name,name  ${PAGES.join(', ')} (default all; of growth: dom; of peers: all but 4k)
  --modes name,name  ${Object.keys(MODES).join(', ')} (default all)
  --workers n,n      numbers of workers (default 1,2,3; of growth: 2; of peers: 1 and 2, the better of them)
  --frames n         frames of each render (default 600; of peers 150; of growth 60, and ten times that)
  --rounds n         runs of each case, in turns (default 3; of peers 5)
  --stops n          stops of each stop case (default 20)
  --profile          show where a frame's time goes
  --save             write the results into bench/results
  --tools name,name  of peers: ${PEER_NAMES.join(', ')} (default all)
  --cache folder     where other tools are installed (default ~/.cache/genlock-bench)
  --json file        write the raw figures
  --quick            a smoke run: 30 frames, 1 round, 3 stops`;

/** Undefined when help is asked for. Throws an Error with a message for people. */
export function parseFlags(args: readonly string[]): Flags | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ only: text, pages: text, modes: text, workers: text, frames: text, rounds: text, stops: text },
      ...{ tools: text, cache: text, json: text, peers: flag, profile: flag, save: flag, quick: flag, help: flag },
    },
  });
  if (values.help) return undefined;
  const { quick, profile, save, json } = values;
  if (values.peers && values.only !== undefined) throw new Error('--peers is a part of its own: leave out --only');
  const parts = values.peers ? ['peers' as const] : list('--only', values.only, PARTS, ['speed', 'stop']);
  const isAlone = (part: Part) => parts.every((name) => name === part);
  const [peers, growth] = [isAlone('peers'), isAlone('growth')];
  return {
    parts,
    pages: list('--pages', values.pages, PAGES, pagesOf(parts)),
    modes: list('--modes', values.modes, Object.keys(MODES), Object.keys(MODES)),
    workers: workersOf(values.workers, growth ? [2] : [1, 2, 3]),
    frames: count('--frames', values.frames, quick ? 30 : peers ? 150 : growth ? 60 : 600, 20),
    rounds: count('--rounds', values.rounds, quick ? 1 : peers ? 5 : 3, 1),
    stops: count('--stops', values.stops, quick ? 3 : 20, 1),
    profile,
    save,
    tools: list('--tools', values.tools, PEER_NAMES, PEER_NAMES),
    cache: values.cache ?? join(homedir(), '.cache', 'genlock-bench'),
    json,
  };
}

function pagesOf(parts: readonly Part[]): readonly SpeedPage[] {
  if (parts.includes('speed')) return PAGES;
  return parts.includes('peers') ? PAGES.filter((page) => page !== '4k') : ['dom'];
}

function list<Name extends string>(
  flag: string,
  value: string | undefined,
  known: readonly Name[],
  fallback: readonly Name[],
): readonly Name[] {
  if (value === undefined) return fallback;
  const names = value.split(',');
  const unknown = names.find((name) => !known.includes(name as Name));
  if (unknown !== undefined) throw new Error(`${flag}: ${unknown} is none of ${known.join(', ')}`);
  return names as Name[];
}

function workersOf(value: string | undefined, fallback: readonly number[]): readonly number[] {
  return value?.split(',').map((number) => count('--workers', number, 1, 1)) ?? fallback;
}

function count(name: string, value: string | undefined, fallback: number, min: number): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < min) throw new Error(`${name} must be a whole number from ${min}`);
  return number;
}
