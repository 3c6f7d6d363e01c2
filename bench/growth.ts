import type { SpeedCase } from './cases.js';
import { runSpeed, type SpeedRun } from './child.js';
import { median } from './tables.js';

/** How many times longer the long render is. */
export const GROWTH = 10;

/** A render and one that is ten times as long. */
export interface GrowthFigures {
  case: SpeedCase;
  frames: number;
  short: SpeedRun[];
  long: SpeedRun[];
}

export interface Growth {
  /** Time of the long render over that of the short one: 10 where each frame costs the same. */
  time: number;
  /** The same of the time in which frames are made: without start, join and end. */
  captureTime: number;
  /** Memory of all workers near the end of the long render over that near its start; undefined if it was too short. */
  memory: number | undefined;
}

export async function measureGrowth(
  speed: SpeedCase,
  { frames, rounds, signal }: { frames: number; rounds: number; signal: AbortSignal },
): Promise<GrowthFigures> {
  const figures: GrowthFigures = { case: speed, frames, short: [], long: [] };
  for (let round = 0; round < rounds; round++) {
    figures.short.push(await runSpeed(speed, frames, signal));
    figures.long.push(await runSpeed(speed, GROWTH * frames, signal));
  }
  return figures;
}

export function growthOf({ short, long }: Pick<GrowthFigures, 'short' | 'long'>): Growth {
  const ratio = (time: (run: SpeedRun) => number) => median(long.map(time)) / median(short.map(time));
  const memory = long.map(({ memory }) => memoryGrowth(memory.series)).filter((value) => value !== undefined);
  return {
    time: ratio((run) => run.processMs),
    captureTime: ratio((run) => run.phases.capture ?? 0),
    memory: memory.length > 0 ? median(memory) : undefined,
  };
}

/** The median of the samples from 70% to 90% over that of those from 10% to 30%: browsers are there in both. */
export function memoryGrowth(series: readonly number[]): number | undefined {
  const part = (from: number, to: number) =>
    series.slice(Math.floor(from * series.length), Math.floor(to * series.length));
  const [start, end] = [part(0.1, 0.3), part(0.7, 0.9)];
  if (start.length === 0 || end.length === 0 || median(start) === 0) return undefined;
  return median(end) / median(start);
}
