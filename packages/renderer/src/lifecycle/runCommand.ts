import type { EventEmitter } from 'node:events';
import { abortable, withDeadline } from './abort.js';
import { callUser } from './callUser.js';
import { explainShortage } from './shortage.js';
import type { ProcessEnd } from './howItEnded.js';
import { ManagedProcess, type ProcessOptions } from './ManagedProcess.js';

/**
 * Runs a command to its end and returns what it wrote. Rejects with `signal.reason` on abort, with
 * the error made by `late` after `deadlineMs` (default one minute), and with the system's error when
 * the command cannot be started, or a ToolError when that is for want of open files. What `onStart` or `onEnd`
 * throws ends the command and is the failure. An exit code other than 0 is not an error here.
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
  const told = Promise.race([failed, process.ended]);
  const ended = options.signal ? abortable(told, options.signal) : told;
  const end = await withDeadline(
    ended,
    deadlineMs,
    late ?? (() => new Error(`${command} did not end within ${deadlineMs} ms`)),
  );
  if (end.error) throw explainShortage(end.error);
  return { ...end, stdout: Buffer.concat(chunks).toString('utf8') };
}
