import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { ToolError } from '../errors.js';
import { attempt } from '../unknowns.js';

/** So many files are open at once while a worker starts: its pipes and sockets, and the modules that it loads. */
const ROOM = 48;

const MORE_FILES = 'let it have more (ulimit -n), or render with fewer workers (concurrency, --concurrency)';

const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: `this process has as many files open as it may (EMFILE): ${MORE_FILES}`,
  ENFILE: 'the system has as many files open as it may (ENFILE): close some, or let it have more (sysctl fs.file-max)',
  EAGAIN: 'the system allows no more processes (EAGAIN): end some, or let it have more (ulimit -u)',
  ENOMEM: 'the system has no memory left for it (ENOMEM)',
};

/** Why something could not be started or opened, for people. */
export function explainStartFailure(error: NodeJS.ErrnoException): string {
  return SHORTAGES[error.code ?? ''] ?? error.message;
}

/** Whether an error says that this process, or the system, cannot open more files now: later it may. */
export function isShortage(error: unknown): boolean {
  const code = attempt(() => (error as NodeJS.ErrnoException).code);
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}

/** A shortage as an error of ours, which says what to do; any other error as it is. */
export function explainShortage(error: unknown): unknown {
  if (!isShortage(error) || error instanceof ToolError) return error;
  return Object.assign(new ToolError(explainStartFailure(error as NodeJS.ErrnoException)), { cause: error });
}

/**
 * Throws a ToolError where this process cannot open as many files as a worker needs. Found out by opening them: a
 * module that could not be read would be missing in this process for good, and a browser without all of its pipes
 * would be told of by a failure that nobody understands.
 */
export function requireFreeDescriptors(): void {
  const opened: number[] = [];
  try {
    while (opened.length < ROOM) opened.push(openSync(devNull, 'r'));
  } catch (error) {
    if (isShortage(error)) throw explainShortage(error);
  } finally {
    for (const file of opened) closeSync(file);
  }
}
