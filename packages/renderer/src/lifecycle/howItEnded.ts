/** How a process ended. `error` is set when it could not be started at all. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last part of its standard error, if that was a pipe. */
  stderr: string;
  error?: NodeJS.ErrnoException;
  /** Pids of group members that survived SIGKILL. Normally empty. */
  survivors: number[];
  /** Why it was impossible to look for survivors, if it was. */
  unseen?: string;
}

/** Written by util-linux 2.36 to 2.41 when SIGKILL has ended the child of `unshare --fork`. */
const UNSHARE_AFTER_KILL = /^unshare: sigprocmask unblock failed: .*\n?/m;

/** Written by programs when the disk is full. With some formats, such as Matroska, ffmpeg still exits with 0. */
const DISK_FULL = /No space left on device/i;

export function ranOutOfDisk({ stderr }: Pick<ProcessEnd, 'stderr'>): boolean {
  return DISK_FULL.test(stderr);
}

/**
 * Describes for an error message how a process ended. Exit code 0 means success and is therefore not mentioned.
 */
export function howItEnded(end: Pick<ProcessEnd, 'code' | 'signal' | 'stderr'>): string {
  if (end.signal) return `was ended by ${end.signal}`;
  if (end.code !== 0) return end.code === null ? 'did not run' : `exited with code ${end.code}`;
  return ranOutOfDisk(end) ? 'found the disk full' : 'ended before its work was done';
}

/** Whether a wrapper runs its command in a PID namespace. */
export function hasNamespace(wrapper: readonly string[]): boolean {
  return wrapper.includes('--pid');
}

type End = Omit<ProcessEnd, 'survivors' | 'unseen'>;

/** How a command ended that ran through a wrapper, worked out from how the wrapper ended. */
export function endOfCommand(end: End, wrapper: readonly string[]): End {
  if (end.error) return { ...end, code: null };
  const unstarted = wrapper.length > 0 && /^(?:setpriv|unshare): failed to execute (.*)$/m.exec(end.stderr);
  if (unstarted) return { ...end, code: null, error: new Error(unstarted[1]) };
  // unshare tries to end itself with the signal that ended its child, and fails at that with SIGKILL.
  if (hasNamespace(wrapper) && end.code === 1 && UNSHARE_AFTER_KILL.test(end.stderr)) {
    return { code: null, signal: 'SIGKILL', stderr: end.stderr.replace(UNSHARE_AFTER_KILL, '') };
  }
  return end;
}
