import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BrowserSession } from '../src/browser/BrowserSession.js';
import { PageFrames } from '../src/browser/PageFrames.js';
import type { PageTargets } from '../src/browser/PageTargets.js';
import type { JobScope } from '../src/lifecycle/JobScope.js';
import type { ResolvedOptions } from '../src/options.js';

/** A busy machine, whose browser answers this many frames before the page takes part in one. */
const WITHOUT_PAGE = 100;

describe('the first frames of a page', () => {
  it('are issued until it has taken part in them, however many the browser answers without it', async () => {
    let issued = 0;
    const waiting: { since: number; see: () => void }[] = [];
    const session = {
      send: async () => {
        issued++;
        await nextTurn();
        for (const { since, see } of waiting) if (issued - since >= WITHOUT_PAGE) see();
        return { hasDamage: false };
      },
    } as unknown as BrowserSession;
    const targets = {
      evaluate: () => new Promise<void>((see) => waiting.push({ since: issued, see })),
    } as unknown as PageTargets;
    const scope = {
      signal: new AbortController().signal,
      wait: (promise: Promise<unknown>) => promise,
    } as unknown as JobScope;
    const options = { fps: { num: 30, den: 1 } } as ResolvedOptions;

    await new PageFrames(session, scope, options, targets).first(1000);

    assert.equal(issued, 2 * WITHOUT_PAGE + 1);
  });
});
