import type { ProcessEnd } from './ManagedProcess.js';

/** What programs write when there is no room. Some of ffmpeg's formats, Matroska for one, return 0 all the same. */
const DISK_FULL = /No space left on device/i;

export function ranOutOfDisk({ stderr }: Pick<ProcessEnd, 'stderr'>): boolean {
  return DISK_FULL.test(stderr);
}

/**
 * How a process ended that should not have ended so, for people. Code 0 says that all went well, which does not
 * belong into an error.
 */
export function howItEnded(end: Pick<ProcessEnd, 'code' | 'signal' | 'stderr'>): string {
  if (end.signal) return `was ended by ${end.signal}`;
  if (end.code !== 0) return end.code === null ? 'did not run' : `exited with code ${end.code}`;
  return ranOutOfDisk(end) ? 'found the disk full' : 'ended before its work was done';
}
