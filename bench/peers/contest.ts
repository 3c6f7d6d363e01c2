/** Genlock and the other tools on the same pages, in turns: whole processes, from their start to their end. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findBrowser, findFfmpeg } from '@genlock/renderer/internal';
import { ENCODING, FPS, MODES, pageFile, PEER_PRESET, SPEED_SIZE, type PageName } from '../cases.js';
import { CLI } from '../paths.js';
import { runProgram, type ProgramResult } from '../program.js';
import { compare } from '../quality.js';
import { makeReference } from '../reference.js';
import { chooseBest, concurrenciesOf, GENLOCK, modeFlags, newEntry, type Entry } from './entries.js';
import { installPeer, type InstalledPeer } from './install.js';
import { cannotDraw, isCanvasPage, PEERS } from './peers.js';
import { judge } from './verdict.js';

const MINUTE = 60_000;

export interface ContestOptions {
  pages: readonly PageName[];
  /** Names in MODES: the ways in which Genlock renders. */
  modes: readonly string[];
  frames: number;
  rounds: number;
  /** Names in PEERS: the other tools. */
  tools: readonly string[];
  /** Folder for the other tools' packages. */
  cache: string;
  /** Folder for videos; emptied by whoever made it. */
  folder: string;
  signal: AbortSignal;
  say: (line: string) => void;
}

interface Contestant {
  title: string;
  /** Why it cannot draw a page. */
  cannotDraw(page: PageName): string | undefined;
  /** Does what is not timed. Throws an Error with what the tool says. */
  prepare(job: Job): Promise<void>;
  render(job: Job): Promise<ProgramResult>;
}

interface Job {
  page: PageName;
  output: string;
  concurrency: number;
}

export async function holdContest(options: ContestOptions): Promise<Entry[]> {
  const { pages, rounds, frames, folder, signal, say } = options;
  const { ffmpeg } = await findFfmpeg();
  const { contestants, failures } = await gather(options);
  const entries: Entry[] = [];
  for (const page of pages) {
    const reference = await makeReference(page, Math.min(frames, REFERENCE_FRAMES), folder, signal);
    const field = contestants.map((contestant) => ({ contestant, entry: entryOf(page, contestant, frames) }));
    for (let round = 1; round <= rounds; round++) {
      for (const { contestant, entry } of field) {
        for (const concurrency of concurrenciesOf(entry, round)) {
          const output = join(folder, `${page}.mp4`);
          await rm(output, { force: true });
          const job = { page, output, concurrency };
          const result = await attempt(contestant, job, round === 1);
          say(
            `round ${round} of ${rounds}: ${page}, ${entry.tool}, ${concurrency} workers: ${progress(result, frames)}`,
          );
          if (typeof result === 'string') {
            entry.faults.push(`${concurrency} workers: ${result}`);
            continue;
          }
          (entry.runs[concurrency] ??= []).push(result.ms);
          if (chooseBest(entry) === concurrency && round === 1) {
            entry.quality = await compare(output, reference, { ffmpeg, folder, signal });
            entry.bytes = (await stat(output)).size;
          }
        }
        // Only what is wrong with the run that counts is of interest.
        if (round === 1 && entry.quality) Object.assign(entry, judge(entry.quality, frames));
      }
    }
    entries.push(...field.map(({ entry }) => entry));
    entries.push(...failures.map(([title, why]) => newEntry(page, title, frames, [why])));
    await rm(reference, { force: true });
  }
  return entries;
}

/** The lossless video is compared with this many frames: of a dom page it has about a megabyte a frame. */
const REFERENCE_FRAMES = 60;

function entryOf(page: PageName, contestant: Contestant, frames: number): Entry {
  const why = contestant.cannotDraw(page);
  return newEntry(page, contestant.title, frames, why === undefined ? [] : [why]);
}

/** Runs a tool once. A string says why there is no video. */
async function attempt(contestant: Contestant, job: Job, isFirst: boolean): Promise<ProgramResult | string> {
  try {
    if (isFirst) await contestant.prepare(job);
  } catch (error) {
    return (error as Error).message;
  }
  const result = await contestant.render(job);
  if (result.end !== 0) return `ended with ${result.end}: ${lastLines(result.said)}`;
  const { size } = await stat(job.output).catch(() => ({ size: 0 }));
  return size > 0 ? result : `wrote no video: ${lastLines(result.said)}`;
}

/** What a tool says of its failure: the lines that speak of one, or the last ones. */
function lastLines(text: string): string {
  const lines = text.trim().split('\n');
  const told = lines.filter((line) => /error|failed|cannot/i.test(line));
  return (told.length > 0 ? told : lines).slice(-3).join(' | ').slice(-400);
}

function progress(result: ProgramResult | string, frames: number): string {
  return typeof result === 'string' ? result : `${((1000 * frames) / result.ms).toFixed(2)} frames/s`;
}

/** Genlock and every tool that could be installed; of the others, why not. */
async function gather(
  options: ContestOptions,
): Promise<{ contestants: Contestant[]; failures: (readonly [string, string])[] }> {
  const { cache, signal, say } = options;
  const contestants: Contestant[] = options.modes.map((mode) => genlock(mode, options));
  const failures: (readonly [string, string])[] = [];
  for (const peer of PEERS.filter(({ name }) => options.tools.includes(name))) {
    say(`installing ${peer.title} into ${cache} (where it is not there)`);
    try {
      contestants.push(await contestantOf(await installPeer(peer, cache, signal), options));
    } catch (error) {
      signal.throwIfAborted();
      failures.push([peer.title, `not installed: ${lastLines((error as Error).message)}`]);
    }
  }
  return { contestants, failures };
}

function genlock(mode: string, { frames, signal }: ContestOptions): Contestant {
  return {
    title: mode === 'default' ? GENLOCK : `${GENLOCK}, ${mode}`,
    cannotDraw: () => undefined,
    prepare: () => Promise.resolve(),
    render: ({ page, output, concurrency }) => {
      const { width, height } = SPEED_SIZE;
      const size = [`--width=${width}`, `--height=${height}`, `--fps=${FPS}`, `--frames=0-${frames - 1}`];
      const args = [
        'render',
        pageFile(page),
        '-o',
        output,
        `--concurrency=${concurrency}`,
        ...size,
        ...modeFlags(MODES[mode]!),
      ];
      return runProgram(process.execPath, [CLI, ...args], { signal, timeoutMs: timeLimit(frames) });
    },
  };
}

async function contestantOf({ peer, node, folder }: InstalledPeer, options: ContestOptions): Promise<Contestant> {
  const { frames, signal } = options;
  const [browser, ffmpeg] = await Promise.all([findBrowser(), findFfmpeg()]);
  const run = async (step: 'prepare' | 'render', { page, output, concurrency }: Job) => {
    const work = join(folder, 'work', page);
    if (step === 'prepare') await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const job = {
      ...{ step, page: pageFile(page), folder: work, output, concurrency },
      ...{ frames, fps: FPS, seconds: frames / FPS, ...SPEED_SIZE, isCanvas: isCanvasPage(page) },
      ...{ ...ENCODING, preset: PEER_PRESET },
      ...{ browser: browser.path, ffmpeg: ffmpeg.ffmpeg, ffprobe: ffmpeg.ffprobe },
    };
    const args = [join(folder, `${peer.name}.mjs`), JSON.stringify(job)];
    return runProgram(node, args, { signal, timeoutMs: timeLimit(frames), cwd: folder });
  };
  return {
    title: peer.title,
    cannotDraw: (page) => cannotDraw(peer, page),
    prepare: async (job) => {
      const { end, said } = await run('prepare', job);
      if (end !== 0) throw new Error(`its preparation ended with ${end}: ${lastLines(said)}`);
    },
    render: (job) => run('render', job),
  };
}

/** The slowest tool seen makes a frame in two seconds on a busy machine. */
function timeLimit(frames: number): number {
  return 2 * MINUTE + frames * 5000;
}
