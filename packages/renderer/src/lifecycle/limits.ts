import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BudgetError, type RenderPosition } from '../errors.js';
import { memoryOfGroups } from './memory.js';
import { afterDeadline } from './Deadline.js';
import { temporaryFolder } from './temporaryFolder.js';

const MB = 1e6;

/** How long a job may take, and how much room it may use: what the options of the same names say. */
export interface ScopeLimits {
  limits: { timeoutMs?: number | undefined; minFreeDiskMB?: number | undefined; maxMemoryMB?: number | undefined };
  deadlines: { launch: number };
}

/** A check that rejects with a BudgetError when less than `minFreeMB` are free for temporary files or beside the output. */
export function freeDiskCheck(minFreeMB: number, outputPath: string): () => Promise<void> {
  const places = [
    { folder: temporaryFolder(), what: 'temporary files', advice: 'point TMPDIR to a larger disk' },
    { folder: dirname(resolve(outputPath)), what: 'the output', advice: 'write to a larger disk' },
  ];
  return () => checkFreeDisk(minFreeMB, places);
}

async function checkFreeDisk(
  minFreeMB: number,
  places: readonly { folder: string; what: string; advice: string }[],
): Promise<void> {
  for (const { folder, what, advice } of places) {
    const { bavail, bsize } = await statfs(folder);
    const freeMB = Math.floor((bavail * bsize) / MB);
    if (freeMB >= minFreeMB) continue;
    throw new BudgetError(
      `${freeMB} MB of disk are free in ${folder}, for ${what}; ${minFreeMB} MB must stay free: ` +
        `make room, ${advice}, or lower minFreeDiskMB (--min-free-disk)`,
      'disk',
      minFreeMB,
      freeMB,
    );
  }
}

/** Throws a BudgetError when a worker's processes, and what is `held` for it here, use more than `maxMB`. */
export async function checkMemory(
  maxMB: number,
  groups: Iterable<number>,
  signal: AbortSignal,
  position: () => RenderPosition,
  held: Iterable<{ readonly bytes: number }> = [],
): Promise<void> {
  const ours = [...held].reduce((sum, { bytes }) => sum + bytes, 0);
  const usedMB = Math.ceil((ours + (await memoryOfGroups(groups, signal))) / MB);
  if (usedMB <= maxMB) return;
  throw new BudgetError(
    `its processes use ${usedMB} MB of memory, and may use ${maxMB} MB: render a smaller picture, ` +
      `let the page hold less, or raise maxMemoryMB (--max-memory)`,
    'memory',
    maxMB,
    usedMB,
    position(),
  );
}

/**
 * Calls `onLate` with a BudgetError when a render takes longer than `timeoutMs` from now; undefined is
 * no limit. The time begins again when this process was held up. `progress` says how far it came. Returns the function that ends the watch.
 */
export function watchTime(
  timeoutMs: number | undefined,
  progress: () => string,
  onLate: (error: BudgetError) => void,
): () => void {
  if (timeoutMs === undefined) return () => {};
  const start = performance.now();
  return afterDeadline(timeoutMs, () => {
    const message =
      `the render was not done after ${timeoutMs / 1000} s (${progress()}): give it more time with timeoutMs ` +
      `(--timeout), or more workers with concurrency`;
    onLate(new BudgetError(message, 'time', timeoutMs, Math.round(performance.now() - start)));
  });
}
