import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { killEverything } from '@genlock/renderer/internal';

/** The signals that ask us to stop, and what a shell expects to be returned for each: 128 + its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof EXIT_CODES;

const NAMES: Readonly<Record<StopSignal, string>> = {
  SIGINT: 'Ctrl-C (SIGINT)',
  SIGTERM: 'SIGTERM',
  SIGHUP: 'SIGHUP, the terminal was closed',
};

/** The reason of an abort that a process signal asked for. */
export class InterruptedError extends Error {
  readonly exitCode: number;

  constructor(readonly signal: StopSignal) {
    super(NAMES[signal]);
    this.name = 'InterruptedError';
    this.exitCode = EXIT_CODES[signal];
  }
}

/** npx hands on the Ctrl-C that the terminal has sent to all of us already: it comes twice. */
const ECHO_MS = 100;

/**
 * Turns process signals into an abort, until it is disposed of. The first signal aborts, with an
 * InterruptedError as the reason; a second one kills every process of ours and exits at once.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #beforeKill = new Set<() => void>();
  #first: { signal: StopSignal; time: number } | undefined;

  readonly #hadTerminal = [0, 1, 2].some((fd) => isatty(fd));

  constructor() {
    for (const signal of Object.keys(EXIT_CODES)) process.on(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs before the exit of a second signal. For what is quick and must not be left: the terminal. */
  beforeKill(restore: () => void): void {
    this.#beforeKill.add(restore);
  }

  [Symbol.dispose](): void {
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, this.#onSignal);
    if (this.#first?.signal === 'SIGHUP' && this.#hadTerminal && !hasTerminal()) {
      // At its exit Node restores the terminal, and dies with a native stack trace when that is gone.
      // Dying of the signal itself, once all is done, gives the shell the same 129.
      process.once('beforeExit', () => process.kill(process.pid, 'SIGHUP'));
    }
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const stop = signal as StopSignal;
    const now = performance.now();
    if (!this.#first) {
      this.#first = { signal: stop, time: now };
      this.#controller.abort(new InterruptedError(stop));
      return;
    }
    if (stop === this.#first.signal && now - this.#first.time < ECHO_MS) return;
    killEverything();
    for (const restore of this.#beforeKill) restore();
    process.exit(EXIT_CODES[stop]);
  };
}

/** Whether there is still a terminal that controls this process. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
