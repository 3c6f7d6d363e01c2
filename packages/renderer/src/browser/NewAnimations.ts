import type { CDPSession } from './Connection.js';
import { CONTROL_KEY } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';

/**
 * For a page to list its animations takes time that grows with the square of their number: so much of it as to hand
 * over one that is new, where there are a hundred.
 */
const CHEAP_LIST = 100;
const KEEP = `function () { globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})]?.keepAnimation(this); }`;

/** Knows which animations the page has that it did not have before. */
export class NewAnimations {
  /** How many the page knows of. */
  known = 0;
  /** Whether there may be some that the page cannot list: it is given all that are new. */
  givesAll = false;
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
   * Gives the page those that are new since this was last called, where they are few beside the others. Returns
   * whether it has to list them all instead. The browser is made to forget them: of those that it knows it
   * tells each time that one is moved, and it keeps them for ever.
   */
  async take(): Promise<boolean> {
    const found = [...this.#found];
    this.#found.clear();
    const count = found.reduce((sum, [, ids]) => sum + ids.length, 0);
    let isGiven = this.givesAll || count <= (this.known / CHEAP_LIST) ** 2;
    for (const [client, animations] of found) {
      isGiven &&= await this.#give(client, animations);
      const forgotten = this.session.sendTo(client)('Animation.releaseAnimations', { animations });
      forgotten.catch((error: unknown) => this.session.scope.fail(error));
    }
    return !isGiven;
  }

  /** Returns whether the page has got all of them. */
  async #give(client: CDPSession, animations: readonly string[]): Promise<boolean> {
    const send = this.session.sendTo(client);
    let isGiven = true;
    const given: Promise<unknown>[] = [];
    // It may be gone, or its document.
    const isGone = () => {
      isGiven = false;
    };
    // One after the other: the browser lets go of each when it is asked for the next.
    for (const animationId of animations) {
      const answer = await send('Animation.resolveAnimation', { animationId }).catch(isGone);
      const objectId = answer?.remoteObject.objectId;
      if (objectId === undefined) return false;
      given.push(send('Runtime.callFunctionOn', { objectId, functionDeclaration: KEEP }).catch(isGone));
    }
    await Promise.all(given);
    return isGiven;
  }
}
