import { StallError, type RenderPosition } from '../errors.js';
import { abortable, withDeadline } from './abort.js';
import { explainShortage } from './shortage.js';

export interface DiskWait {
  /** What is waited for, as worded in a StallError: `the disk to take the video`. */
  waitingFor: string;
  deadlineMs: number;
  position?: RenderPosition;
  signal?: AbortSignal | undefined;
}

/**
 * How long abandoned work may take to finish, in milliseconds. Nearly all finishes at once, so that no file of it is
 * open when the render has settled. A disk that does not answer delays a stop no longer than this.
 */
const LEAVE_MS = 200;

/**
 * Waits for work on a disk, which may never finish. Rejects with `signal.reason` itself when the signal aborts, with a
 * StallError after the deadline in milliseconds, and with a ToolError if too many files are open.
 */
export async function waitForDisk<T>(
  work: Promise<T>,
  { waitingFor, deadlineMs, position = {}, signal }: DiskWait,
): Promise<T> {
  const explained = work.catch((error: unknown) => {
    throw signal?.aborted ? error : explainShortage(error);
  });
  const late = () => new StallError(waitingFor, deadlineMs, position);
  try {
    return await withDeadline(signal ? abortable(explained, signal) : explained, deadlineMs, late);
  } catch (error) {
    const finished = explained.catch(() => {});
    await withDeadline(finished, LEAVE_MS, () => new Error('the disk does not answer')).catch(() => {});
    throw error;
  }
}
