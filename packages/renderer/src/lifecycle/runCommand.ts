import type { EventEmitter } from 'node:events';
import { abortable, withDeadline } from './abort.js';
import { callUser } from './callUser.js';
import { explainShortage } from './shortage.js';
import type { ProcessEnd } from './howItEnded.js';
import { ManagedProcess, type ProcessOptions } from './ManagedProcess.js';

/**
 * Runs a command to its end and returns its output. Rejects with `signal.reason` on abort, with the error made by
 * `late` after `deadlineMs` (default one minute), with the system's error if the command cannot be started, or with a
 * ToolError if too many files are open to start it. An error thrown by `onStart` or `onEnd` ends the command and is
 * the rejection. An exit code other than 0 is not an error here.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: Partial<Omit<ProcessOptions, 'stdio'>> & { deadlineMs?: number; late?: () => Error } = {},
): Promise<ProcessEnd & { stdout: string }> {
  const { deadlineMs = 60_000, late, onStart, onEnd, ...processOptions } = options;
  let fail = (_error: unknown): void => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => {});
  await using process = ManagedProcess.start(command, args, {
    role: command,
    ...processOptions,
    onStart: (started) => callUser(() => onStart?.(started), fail),
    onEnd: (ended, how) => callUser(() => onEnd?.(ended, how), fail),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  (process.child.stdout as EventEmitter | null | undefined)?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const endedOrFailed = Promise.race([failed, process.ended]);
  const ended = options.signal ? abortable(endedOrFailed, options.signal) : endedOrFailed;
  const end = await withDeadline(
    ended,
    deadlineMs,
    late ?? (() => new Error(`${command} did not end within ${deadlineMs} ms`)),
  );
  if (end.error) throw explainShortage(end.error);
  return { ...end, stdout: Buffer.concat(chunks).toString('utf8') };
}
