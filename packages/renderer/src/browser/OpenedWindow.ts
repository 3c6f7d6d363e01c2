import type { CDPSession } from './Connection.js';

/**
 * A window that the page has opened. It has the clock, and is no part of the picture. While it loads it answers
 * nothing, and that may be for ever: nobody waits for it then.
 */
export class OpenedWindow {
  #isLoading = false;
  #onLoading = () => {};
  #loading = Promise.resolve<undefined>(undefined);

  constructor(client: CDPSession, targetId: string) {
    this.#expectLoading();
    // A window's own frame has the name of its target.
    client.on('Page.frameStartedLoading', ({ frameId }) => {
      if (frameId !== targetId) return;
      this.#isLoading = true;
      this.#onLoading();
    });
    client.on('Page.frameStoppedLoading', ({ frameId }) => {
      if (frameId !== targetId) return;
      this.#isLoading = false;
      this.#expectLoading();
    });
  }

  /** What it answers; undefined when it loads, or begins to. */
  async answer<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
    return this.#isLoading ? undefined : Promise.race([ask(), this.#loading]);
  }

  #expectLoading(): void {
    this.#loading = new Promise((resolve) => {
      this.#onLoading = () => resolve(undefined);
    });
  }
}
