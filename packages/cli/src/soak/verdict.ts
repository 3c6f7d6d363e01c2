import type { HostState } from '@genlock/renderer/testing';
import { formatBytes } from '../format.js';
import type { CycleResult } from './runCycle.js';
import type { Action } from './plan.js';

/** What is counted before the first cycle and after the last. */
export interface Count {
  processes: number;
  zombies: number;
  host: HostState;
  /** Abort listeners on the soak's own signal. */
  listeners: number;
  files: number;
}

/** One line of the verdict. `leaks` is undefined if it could not be judged. */
export interface VerdictRow {
  what: string;
  before: string;
  after: string;
  leaks: boolean | undefined;
  note?: string;
}

/** One line for each action. */
export interface ActionRow {
  action: Action;
  cycles: number;
  failures: number;
  /** Time from the stop until nothing is left, in milliseconds. */
  medianMs: number | undefined;
  maxMs: number | undefined;
}

/** With fewer cycles, memory is not judged: garbage collection and warm-up outweigh any leak. */
export const MEMORY_CYCLES = 100;
const MEMORY_SHARE = 0.1;
/** Memory that the allocator may retain without a leak, in bytes. */
const MEMORY_ALLOWANCE = 5e6;

/** Summarizes the cycles by action, in the order of `actions`. */
export function actionRows(actions: readonly Action[], results: readonly CycleResult[]): ActionRow[] {
  return actions.map((action) => {
    const own = results.filter((result) => result.action === action);
    const times = own.map(({ stopMs }) => stopMs).filter((ms) => ms !== undefined);
    return {
      action,
      cycles: own.length,
      failures: own.filter(({ problems }) => problems.length > 0).length,
      medianMs: times.length > 0 ? median(times) : undefined,
      maxMs: times.length > 0 ? Math.max(...times) : undefined,
    };
  });
}

/** Compares the counts before and after. `memory` holds the resident bytes after each cycle. */
export function verdictRows(before: Count, after: Count, memory: readonly number[]): VerdictRow[] {
  const row = (what: string, count: (from: Count) => number | undefined): VerdictRow => {
    const [was, is] = [count(before), count(after)];
    if (was === undefined || is === undefined) {
      return { what, before: '-', after: '-', leaks: undefined, note: 'not available on this system' };
    }
    return { what, before: String(was), after: String(is), leaks: is > was };
  };
  return [
    row('processes', ({ processes }) => processes),
    row('zombies', ({ zombies }) => zombies),
    row('file descriptors', ({ host }) => host.descriptors),
    row('process listeners', ({ host }) => host.listeners.length),
    row('abort listeners', ({ listeners }) => listeners),
    row('timers and handles', ({ host }) => host.resources.length),
    row('temporary files', ({ files }) => files),
    memoryRow(memory),
  ];
}

/** Compares the median of the last tenth with that of the second tenth. The first tenth is for warming up. */
function memoryRow(memory: readonly number[]): VerdictRow {
  const tenth = Math.max(1, Math.floor(memory.length / 10));
  const early = memory.length > tenth ? median(memory.slice(tenth, 2 * tenth)) : undefined;
  const late = memory.length > 0 ? median(memory.slice(-tenth)) : undefined;
  const text = (bytes: number | undefined) => (bytes === undefined ? '-' : formatBytes(bytes));
  const figures = { what: 'resident memory', before: text(early), after: text(late) };
  if (memory.length < MEMORY_CYCLES || early === undefined || late === undefined) {
    return { ...figures, leaks: undefined, note: `needs ${MEMORY_CYCLES} cycles` };
  }
  return { ...figures, leaks: late > early * (1 + MEMORY_SHARE) + MEMORY_ALLOWANCE };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
