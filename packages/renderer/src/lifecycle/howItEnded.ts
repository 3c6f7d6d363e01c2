/** How a process ended. `error` is set when it could not be started at all. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it wrote to standard error, if that was a pipe. */
  stderr: string;
  error?: NodeJS.ErrnoException;
  /** Pids of its group that lived on after SIGKILL: normally none. */
  survivors: number[];
  /** Why nobody could look for survivors, where that is so. */
  unseen?: string;
}

/** What util-linux 2.36 to 2.41 write when the child of `unshare --fork` was ended by SIGKILL. */
const UNSHARE_AFTER_KILL = /^unshare: sigprocmask unblock failed: .*\n?/m;

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

/** Whether a wrapper gives its command a PID namespace. */
export function hasNamespace(wrapper: readonly string[]): boolean {
  return wrapper.includes('--pid');
}

type End = Omit<ProcessEnd, 'survivors' | 'unseen'>;

/** How a command ended that ran through a wrapper: what that says of it is not the same in every case. */
export function endOfCommand(end: End, wrapper: readonly string[]): End {
  if (end.error) return { ...end, code: null };
  const unstarted = wrapper.length > 0 && /^(?:setpriv|unshare): failed to execute (.*)$/m.exec(end.stderr);
  if (unstarted) return { ...end, code: null, error: new Error(unstarted[1]) };
  // unshare ends itself by the signal that ended its child, which it cannot do with SIGKILL.
  if (hasNamespace(wrapper) && end.code === 1 && UNSHARE_AFTER_KILL.test(end.stderr)) {
    return { code: null, signal: 'SIGKILL', stderr: end.stderr.replace(UNSHARE_AFTER_KILL, '') };
  }
  return end;
}
