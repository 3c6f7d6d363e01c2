import { withDeadline } from './abort.js';

/** Interval between two checks, in milliseconds. */
const INTERVAL_MS = 1000;
/** How long disposal waits for a running check, in milliseconds: a file system may be stuck. */
const END_MS = 1000;

/** Runs a check once a second, never two at a time, until the check fails or this object is disposed of. */
export class RepeatedCheck implements AsyncDisposable {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #ended = false;

  /** `onFailure` receives the check's error, unless this object has been disposed of by then. */
  constructor(
    readonly check: () => Promise<void>,
    readonly onFailure: (error: unknown) => void,
  ) {
    this.#schedule();
  }

  /** Resolves when no check is running, or after a second. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#running) await withDeadline(this.#running, END_MS, () => new Error()).catch(() => {});
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, INTERVAL_MS);
  }

  async #run(): Promise<void> {
    try {
      await this.check();
      if (!this.#ended) this.#schedule();
    } catch (error) {
      if (!this.#ended) this.onFailure(error);
    }
    this.#running = undefined;
  }
}
