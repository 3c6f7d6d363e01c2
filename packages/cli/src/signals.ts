import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { killEverything } from '@genlock/renderer/internal';

/** The signals that ask us to stop, with the exit codes that a shell expects: 128 + the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof EXIT_CODES;

const NAMES: Readonly<Record<StopSignal, string>> = {
  SIGINT: 'Ctrl-C (SIGINT)',
  SIGTERM: 'SIGTERM',
  SIGHUP: 'SIGHUP, the terminal was closed',
};

/** The abort reason when a process signal caused the abort. */
export class InterruptedError extends Error {
  readonly exitCode: number;

  constructor(readonly signal: StopSignal) {
    super(NAMES[signal]);
    this.name = 'InterruptedError';
    this.exitCode = EXIT_CODES[signal];
  }
}

/** npx forwards the Ctrl-C that the terminal has already sent to every process, so it arrives twice. */
const ECHO_MS = 100;

/**
 * Turns process signals into an abort until it is disposed of. The first signal aborts with an InterruptedError as
 * the reason; a second one kills every process that we started and exits at once.
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

  /** Registers a quick clean-up, such as restoring the terminal, to run before a second signal exits the process. */
  beforeKill(restore: () => void): void {
    this.#beforeKill.add(restore);
  }

  [Symbol.dispose](): void {
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, this.#onSignal);
    if (this.#first?.signal === 'SIGHUP' && this.#hadTerminal && !hasTerminal()) {
      // When Node exits, it restores the terminal, and crashes with a native stack trace if the terminal is gone.
      // Ending by the signal itself, once everything is done, gives the shell the same 129.
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

/** Whether this process still has a controlling terminal. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
