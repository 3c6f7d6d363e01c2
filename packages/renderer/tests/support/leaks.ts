import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Turns of the event loop within which what was let go of is closed. */
const TURNS = 50;

// Node opens these when they are asked for first, and keeps them.
for (const stream of [process.stdin, process.stdout, process.stderr]) assert.ok(stream);

/** What this Node process holds: a line for each file descriptor, handle and listener. */
export function held(): string[] {
  const descriptors = readdirSync('/proc/self/fd')
    .map(describeDescriptor)
    .filter((line) => line !== undefined);
  const resources = process.getActiveResourcesInfo().map((name) => `active ${name}`);
  const listeners = process
    .eventNames()
    .map((name) => `${process.listenerCount(name)} listeners for ${String(name)} of the process`);
  return [...descriptors, ...resources, ...listeners].sort();
}

/** The target tells what leaked; the numbers of pipes and sockets differ each time. */
function describeDescriptor(name: string): string | undefined {
  try {
    return `descriptor of ${readlinkSync(`/proc/self/fd/${name}`).replace(/:\[\d+\]$/, '')}`;
  } catch {
    // The one that read the folder is closed by now.
    return undefined;
  }
}

/** What is in `after` more often than in `before`. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  return after.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/**
 * What is held now and was not before, once it has settled: Node lets go of a process's handle at the
 * end of the turn in which it ended, and a test's own server of a socket in the turn after.
 */
export async function leaksSince(before: readonly string[]): Promise<string[]> {
  for (let turn = 0; ; turn++) {
    const found = added(before, held());
    if (found.length === 0 || turn === TURNS) return found;
    await setImmediate();
  }
}

/** Collects what a process complains of while it is open: warnings, and errors that nobody handles. */
export class Complaints implements Disposable {
  readonly list: string[] = [];
  readonly #listeners = (['warning', 'unhandledRejection', 'uncaughtExceptionMonitor'] as const).map((name) => {
    const listener = (what: unknown) => void this.list.push(`${name}: ${String(what)}`);
    return [name, listener] as const;
  });

  constructor() {
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}
