import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { ToolError } from '../errors.js';
import { attempt } from '../unknowns.js';

/** How many files a starting worker has open at once: pipes, sockets, and the modules that it loads. */
const ROOM = 48;

const MORE_FILES = 'raise the limit (ulimit -n), or render with fewer workers (concurrency, --concurrency)';

const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: `this process has reached its limit of open files (EMFILE): ${MORE_FILES}`,
  ENFILE: 'the system has reached its limit of open files (ENFILE): close some, or raise it (sysctl fs.file-max)',
  EAGAIN: 'the system allows no more processes (EAGAIN): end some, or raise the limit (ulimit -u)',
  ENOMEM: 'the system is out of memory (ENOMEM)',
};

/** Describes why something could not be started or opened, and what to do. */
export function explainStartFailure(error: NodeJS.ErrnoException): string {
  return SHORTAGES[error.code ?? ''] ?? error.message;
}

/** Whether an error means that no more files can be opened for now, by this process or on the whole system. */
export function isShortage(error: unknown): boolean {
  const code = attempt(() => (error as NodeJS.ErrnoException).code);
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}

/** Turns a shortage into a ToolError that says what to do. Returns any other error unchanged. */
export function explainShortage(error: unknown): unknown {
  if (!isShortage(error) || error instanceof ToolError) return error;
  return Object.assign(new ToolError(explainStartFailure(error as NodeJS.ErrnoException)), { cause: error });
}

/**
 * Throws a ToolError if this process cannot open as many files as a worker needs. Finds out by opening them: a module
 * that fails to load would be missing in this process for good, and a browser without all its pipes would fail in
 * obscure ways.
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
