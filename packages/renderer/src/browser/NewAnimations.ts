import type { CDPSession } from 'puppeteer-core';
import type { BrowserSession } from './BrowserSession.js';

/** Knows whether the page has animations that it did not have before. */
export class NewAnimations {
  readonly #found = new Map<CDPSession, string[]>();

  constructor(readonly session: BrowserSession) {}

  /** Follows the animations of a part of the page. */
  watch(client: CDPSession): void {
    client.on('Animation.animationCreated', ({ id }) => {
      const others = this.#found.get(client);
      if (others) others.push(id);
      else this.#found.set(client, [id]);
    });
  }

  /**
   * Whether there are such since this was last asked. The browser is made to forget them: of those that it knows it
   * tells each time that one is moved, and it keeps them for ever.
   */
  take(): boolean {
    const found = [...this.#found];
    this.#found.clear();
    for (const [client, animations] of found) {
      const forgotten = this.session.sendTo(client)('Animation.releaseAnimations', { animations });
      forgotten.catch((error: unknown) => this.session.scope.fail(error));
    }
    return found.length > 0;
  }
}
