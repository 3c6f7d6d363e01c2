import type { ProcessEnd } from '../lifecycle/ManagedProcess.js';

/** Some of ffmpeg's formats, Matroska for one, return 0 when the disk is full, and only say so. */
export function ranOutOfDisk({ stderr }: ProcessEnd): boolean {
  return /No space left on device/i.test(stderr);
}
