import type { CDPSession } from './Connection.js';

/**
 * A window that the page has opened. It has the clock, but is not part of the picture. While it loads, possibly for
 * ever, it does not answer, and its answers are not waited for.
 */
export class OpenedWindow {
  #isLoading = false;
  #onLoading = () => {};
  #loading = Promise.resolve<undefined>(undefined);

  constructor(client: CDPSession, targetId: string) {
    this.#expectLoading();
    // The id of a window's main frame is that of its target.
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

  /** Asks the window. Returns undefined if it is loading, or begins to load before it answers. */
  async answer<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
    return this.#isLoading ? undefined : Promise.race([ask(), this.#loading]);
  }

  #expectLoading(): void {
    this.#loading = new Promise((resolve) => {
      this.#onLoading = () => resolve(undefined);
    });
  }
}
