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

function framesOf(session: object, targets: object): PageFrames {
  const scope = { signal: new AbortController().signal, wait: (promise: Promise<unknown>) => promise };
  const options = { fps: { num: 30, den: 1 } };
  return new PageFrames(
    session as BrowserSession,
    scope as unknown as JobScope,
    options as ResolvedOptions,
    targets as PageTargets,
  );
}

describe('frames of the browser', () => {
  it('are issued at first until the page has taken part in them, however many are answered without it', async () => {
    let issued = 0;
    const waiting: { since: number; see: () => void }[] = [];
    const session = {
      send: async () => {
        issued++;
        await nextTurn();
        for (const { since, see } of waiting) if (issued - since >= WITHOUT_PAGE) see();
        return { hasDamage: false };
      },
    };
    const evaluate = () => new Promise<void>((see) => waiting.push({ since: issued, see }));

    await framesOf(session, { evaluate, spansProcesses: false }).first(1000);

    assert.equal(issued, 2 * WITHOUT_PAGE + 1);
  });

  it('wait until documents in other processes have heard how they are shown', async () => {
    const order: string[] = [];
    const session = {
      send: async () => {
        order.push('frame');
        await nextTurn();
        return { hasDamage: true };
      },
    };
    const hear = async () => {
      await nextTurn();
      order.push('heard');
    };
    const frames = framesOf(session, { hear, spansProcesses: true });

    await frames.begin(false, 1000);
    await frames.draw(1000);

    assert.deepEqual(order, ['heard', 'frame', 'heard', 'frame']);
  });
});
