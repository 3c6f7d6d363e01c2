import type { PageName } from '../cases.js';
import type { Quality } from '../quality.js';
import { median } from '../tables.js';

/** Each is tried in the first round; the better one runs in the others. */
const CONCURRENCIES = [1, 2];

/** What Genlock is called among the tools. */
export const GENLOCK = 'Genlock';

/** One tool on one page. */
export interface Entry {
  page: PageName;
  tool: string;
  /** Frames of each video. */
  frames: number;
  /** Milliseconds of each whole process, by concurrency. */
  runs: Record<number, number[]>;
  /** The concurrency with the best median; undefined when no run went well. */
  best: number | undefined;
  /** Frames per second of that median. */
  framesPerSecond: number | undefined;
  /** Of the first video of the concurrency that was better in the first round. */
  quality: Quality | undefined;
  bytes: number | undefined;
  /** What is wrong with its video, or why there is none, in words. */
  faults: string[];
  /** Whether the video shows another picture than the page, or one that stands still. */
  isWrong: boolean;
}

export function newEntry(page: PageName, tool: string, frames: number, faults: string[]): Entry {
  const nothing = { best: undefined, framesPerSecond: undefined, quality: undefined, bytes: undefined };
  return { page, tool, frames, runs: {}, faults, isWrong: false, ...nothing };
}

/** The concurrencies to run in a round: all in the first, then the best one. None where the tool cannot. */
export function concurrenciesOf({ best, faults }: Pick<Entry, 'best' | 'faults'>, round: number): readonly number[] {
  if (round > 1) return best === undefined ? [] : [best];
  return faults.length > 0 ? [] : CONCURRENCIES;
}

/**
 * Notes the best concurrency so far and its frames per second. Of those that have run equally often: a single
 * run of the first round may have had the machine to itself.
 */
export function chooseBest(entry: Entry): number | undefined {
  const runs = Object.entries(entry.runs);
  const most = Math.max(...runs.map(([, times]) => times.length));
  const medians = runs
    .filter(([, times]) => times.length === most)
    .map(([concurrency, times]) => [Number(concurrency), median(times)] as const);
  const best = medians.sort((a, b) => a[1] - b[1])[0];
  entry.best = best?.[0];
  entry.framesPerSecond = best && (1000 * entry.frames) / best[1];
  return entry.best;
}

/** How many times as fast as the fastest other tool that makes the right picture Genlock is, in each of its modes. */
export interface Ratio {
  page: PageName;
  genlock: string;
  peer: string | undefined;
  ratio: number | undefined;
}

export function ratios(entries: readonly Entry[]): Ratio[] {
  return entries.filter(isGenlock).map((own) => {
    const { page, tool, framesPerSecond } = own;
    const fastest = entries
      .filter((entry) => entry.page === page && !isGenlock(entry) && !entry.isWrong)
      .filter((entry) => entry.framesPerSecond !== undefined)
      .sort((a, b) => b.framesPerSecond! - a.framesPerSecond!)[0];
    const isKnown = fastest && framesPerSecond !== undefined && !own.isWrong;
    const ratio = isKnown ? framesPerSecond / fastest.framesPerSecond! : undefined;
    return { page, genlock: tool, peer: fastest?.tool, ratio };
  });
}

function isGenlock({ tool }: Entry): boolean {
  return tool.split(',')[0] === GENLOCK;
}

/** Options of the renderer as the command line has them. */
export function modeFlags(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).map(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? flag : `${flag}=${String(value)}`;
  });
}
