import { StallError, type RenderPosition } from '../errors.js';
import { abortable, withDeadline } from './abort.js';
import { explainShortage } from './shortage.js';

export interface DiskWait {
  /** What is waited for, as a StallError says it: `the disk to take the video`. */
  waitingFor: string;
  deadlineMs: number;
  position?: RenderPosition;
  signal?: AbortSignal | undefined;
}

/**
 * So long work that nobody waits for any more has to come to its end, in milliseconds: nearly all does at once, and
 * then no file of it is open when the render has settled. A disk that does not answer holds up the stop no longer.
 */
const LEAVE_MS = 200;

/**
 * Waits for what a disk does, which may take for ever: rejects with `signal.reason` itself when the signal aborts, with a
 * StallError after the deadline, and with a ToolError where too many files are open.
 */
export async function waitForDisk<T>(
  work: Promise<T>,
  { waitingFor, deadlineMs, position = {}, signal }: DiskWait,
): Promise<T> {
  const told = work.catch((error: unknown) => {
    throw signal?.aborted ? error : explainShortage(error);
  });
  const late = () => new StallError(waitingFor, deadlineMs, position);
  try {
    return await withDeadline(signal ? abortable(told, signal) : told, deadlineMs, late);
  } catch (error) {
    const left = told.catch(() => {});
    await withDeadline(left, LEAVE_MS, () => new Error('the disk does not answer')).catch(() => {});
    throw error;
  }
}
