import type { CDPSession } from './Connection.js';
import { CONTROL_KEY } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';

/**
 * The time that a page takes to list its animations grows with the square of their number. With this many animations,
 * listing them takes as long as handing one new animation to the page.
 */
const CHEAP_LIST = 100;
const KEEP = `function () { globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})]?.keepAnimation(this); }`;

/** Knows which animations of the page are new. */
export class NewAnimations {
  /** How many animations the page's clock knows. */
  known = 0;
  /** Whether there may be animations that the page cannot list: then it is always given all new ones. */
  givesAll = false;
  readonly #found = new Map<CDPSession, string[]>();

  constructor(readonly session: BrowserSession) {}

  /** Follows the animations in one session of the page. */
  watch(client: CDPSession): void {
    client.on('Animation.animationCreated', ({ id }) => {
      const others = this.#found.get(client);
      if (others) others.push(id);
      else this.#found.set(client, [id]);
    });
  }

  /**
   * Gives the page the animations that are new since the last call, if they are few compared with the others. Returns
   * whether the page must list all animations instead. The browser is made to forget the new ones: it would keep them
   * for ever, and report each time that one is moved.
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

  /** Returns whether the page has got all of these animations. */
  async #give(client: CDPSession, animations: readonly string[]): Promise<boolean> {
    const send = this.session.sendTo(client);
    let isGiven = true;
    const calls: Promise<unknown>[] = [];
    // The animation or its document may be gone.
    const isGone = () => {
      isGiven = false;
    };
    // One after the other: the browser releases each one when it is asked for the next.
    for (const animationId of animations) {
      const answer = await send('Animation.resolveAnimation', { animationId }).catch(isGone);
      const objectId = answer?.remoteObject.objectId;
      if (objectId === undefined) return false;
      calls.push(send('Runtime.callFunctionOn', { objectId, functionDeclaration: KEEP }).catch(isGone));
    }
    await Promise.all(calls);
    return isGiven;
  }
}
