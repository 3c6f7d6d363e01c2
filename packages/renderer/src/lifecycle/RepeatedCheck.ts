import { withDeadline } from './abort.js';

/** Between two checks, in milliseconds. */
const INTERVAL_MS = 1000;
/** How long the end waits for a check that is on its way: a file system may be stuck. */
const END_MS = 1000;

/** Runs a check once a second, never two at a time, until it fails or is disposed of. */
export class RepeatedCheck implements AsyncDisposable {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #ended = false;

  /** `onFailure` is told what the check throws, unless it is over by then. */
  constructor(
    readonly check: () => Promise<void>,
    readonly onFailure: (error: unknown) => void,
  ) {
    this.#schedule();
  }

  /** Resolves when no check is on its way any more. Never throws. */
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
