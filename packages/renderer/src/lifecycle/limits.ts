import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BudgetError, describePosition, type RenderPosition } from '../errors.js';
import { memoryOfGroups } from './memory.js';
import { afterDeadline } from './Deadline.js';
import { RepeatedCheck } from './RepeatedCheck.js';
import { temporaryFolder } from './temporaryFolder.js';

const MB = 1e6;

/** Limits of a job, as given by the options of the same names. */
export interface ScopeLimits {
  limits: { timeoutMs?: number | undefined; minFreeDiskMB?: number | undefined; maxMemoryMB?: number | undefined };
  deadlines: { launch: number };
}

/** A job as its limits see it. */
export interface LimitedJob {
  readonly signal: AbortSignal;
  /** Where the job is now. */
  readonly position: RenderPosition;
  /** Leaders of the process groups that are running now. */
  readonly groups: Iterable<number>;
  /** Memory that this process holds for the job. */
  readonly buffers: Iterable<{ readonly bytes: number }>;
  /** Waits no longer than the deadline, in milliseconds, nor than the job. */
  wait<T>(work: Promise<T>, deadlineMs: number, waitingFor: string): Promise<T>;
  /** Receives the BudgetError when a limit is exceeded. */
  onExceeded(error: unknown): void;
}

/** Runs `work`, and calls `onExceeded` when the job exceeds its limits of time, free disk or memory meanwhile. */
export async function withinLimits<T>(
  job: LimitedJob,
  { limits, deadlines }: ScopeLimits,
  outputPath: string,
  work: () => Promise<T>,
): Promise<T> {
  const { timeoutMs, minFreeDiskMB, maxMemoryMB } = limits;
  const { signal, groups, buffers } = job;
  const onExceeded = (error: unknown) => job.onExceeded(error);
  const checkDisk = freeDiskCheck(minFreeDiskMB ?? 0, outputPath);
  const progress = () => `now ${describePosition(job.position) || 'at its start'}`;
  const endWatch = watchTime(timeoutMs, progress, onExceeded);
  try {
    if (minFreeDiskMB !== undefined) await job.wait(checkDisk(), deadlines.launch, 'the disk to report its free space');
    signal.throwIfAborted();
    await using _disk = minFreeDiskMB === undefined ? undefined : new RepeatedCheck(checkDisk, onExceeded);
    await using _memory =
      maxMemoryMB === undefined
        ? undefined
        : new RepeatedCheck(
            () => checkMemory(maxMemoryMB, groups, signal, () => ({ ...job.position }), buffers),
            onExceeded,
          );
    return await work();
  } finally {
    endWatch();
  }
}

/** A check that rejects with a BudgetError if less than `minFreeMB` are free for temporary files or at the output. */
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
      `only ${freeMB} MB of disk are free in ${folder}, for ${what}, and ${minFreeMB} MB must stay free: ` +
        `free some space, ${advice}, or lower minFreeDiskMB (--min-free-disk)`,
      'disk',
      minFreeMB,
      freeMB,
    );
  }
}

/** Rejects with a BudgetError if a worker's processes and its `buffers` in this process use more than `maxMB`. */
export async function checkMemory(
  maxMB: number,
  groups: Iterable<number>,
  signal: AbortSignal,
  position: () => RenderPosition,
  buffers: Iterable<{ readonly bytes: number }> = [],
): Promise<void> {
  const ours = [...buffers].reduce((sum, { bytes }) => sum + bytes, 0);
  const usedMB = Math.ceil((ours + (await memoryOfGroups(groups, signal))) / MB);
  if (usedMB <= maxMB) return;
  throw new BudgetError(
    `its processes use ${usedMB} MB of memory, and may use ${maxMB} MB: render a smaller picture, ` +
      `have the page keep less in memory, or raise maxMemoryMB (--max-memory)`,
    'memory',
    maxMB,
    usedMB,
    position(),
  );
}

/**
 * Calls `onLate` with a BudgetError if a render takes longer than `timeoutMs` from now; undefined means no limit. If
 * this process was suspended, the time starts over. `progress` describes how far the render is. Returns a function
 * that ends the watch.
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
      `(--timeout), or more workers with concurrency (--concurrency)`;
    onLate(new BudgetError(message, 'time', timeoutMs, Math.round(performance.now() - start)));
  });
}
