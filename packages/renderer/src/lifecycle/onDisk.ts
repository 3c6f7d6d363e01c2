import { StallError, type RenderPosition } from '../errors.js';
import { abortable, withDeadline } from './abort.js';
import { orShortage } from './shortage.js';

export interface DiskWait {
  /** What is waited for, as a StallError says it: `the disk to take the video`. */
  waitingFor: string;
  deadlineMs: number;
  position?: RenderPosition;
  signal?: AbortSignal | undefined;
}

/**
 * Waits for what a disk does, which may take for ever: rejects with `signal.reason` itself as soon as the signal
 * aborts, with a StallError after the deadline, and with a ToolError where too many files are open.
 */
export async function onDisk<T>(
  work: Promise<T>,
  { waitingFor, deadlineMs, position = {}, signal }: DiskWait,
): Promise<T> {
  const told = work.catch((error: unknown) => {
    throw signal?.aborted ? error : orShortage(error);
  });
  const late = () => new StallError(waitingFor, deadlineMs, position);
  return withDeadline(signal ? abortable(told, signal) : told, deadlineMs, late);
}
