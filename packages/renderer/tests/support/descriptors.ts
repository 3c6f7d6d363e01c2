import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';

/** How many descriptors this process may have while they are scarce. */
const LIMIT = 400;

/** False where the limit of this process cannot be changed. */
export const canLimit = attempt(() => {
  setLimit(limit());
});

/** Takes every descriptor that this process may have, but for so many, until it is disposed of. */
export class ScarceDescriptors implements Disposable {
  readonly #before = limit();
  readonly #held: number[] = [];

  constructor() {
    setLimit(`${Math.max(LIMIT, readdirSync('/proc/self/fd').length)}:`);
  }

  /** Leaves only so many. */
  leave(room: number): void {
    while (attempt(() => this.#held.push(openSync('/dev/null', 'r'))));
    for (const file of this.#held.splice(0, room)) closeSync(file);
  }

  /** Gives back all. */
  release(): void {
    for (const file of this.#held.splice(0)) closeSync(file);
  }

  [Symbol.dispose](): void {
    this.release();
    setLimit(this.#before);
  }
}

function limit(): string {
  const args = ['--pid', String(process.pid), '--nofile', '--noheadings', '--raw', '--output', 'SOFT,HARD'];
  return execFileSync('prlimit', args, { encoding: 'utf8' }).trim().replace(' ', ':');
}

function setLimit(to: string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${to}`], { stdio: 'ignore' });
}

function attempt(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
