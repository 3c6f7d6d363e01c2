import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BrowserSession } from '../src/browser/BrowserSession.js';
import { PageFrames } from '../src/browser/PageFrames.js';
import type { PageContexts } from '../src/browser/PageContexts.js';
import type { JobScope } from '../src/lifecycle/JobScope.js';
import type { ResolvedOptions } from '../src/options/options.js';
import type { VideoNews } from '../src/page/index.js';

/** A busy machine, whose browser answers this many frames before the page takes part in one. */
const WITHOUT_PAGE = 100;

function framesOf(session: object, targets: object): PageFrames {
  const scope = { signal: new AbortController().signal, wait: (promise: Promise<unknown>) => promise };
  const options = { fps: { num: 30, den: 1 } };
  return new PageFrames(
    session as BrowserSession,
    scope as unknown as JobScope,
    options as ResolvedOptions,
    targets as PageContexts,
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
    const sync = async () => {
      await nextTurn();
      order.push('synced');
    };
    const frames = framesOf(session, { sync, spansProcesses: true });

    await frames.begin(false, 1000);
    await frames.draw(1000);

    assert.deepEqual(order, ['synced', 'frame', 'synced', 'frame']);
  });

  /** Draws one frame of a page with videos: what is new of them before each of the browser's frames, and what that changes. */
  async function draw(...made: [news: VideoNews, hasDamage: boolean][]) {
    let issued = 0;
    const session = {
      send: async () => {
        await nextTurn();
        return { hasDamage: made[issued++]?.[1] ?? false };
      },
    };
    const evaluateAll = async () => {
      await nextTurn();
      return ['none', made[issued]?.[0] ?? 'none'];
    };
    const frames = framesOf(session, { evaluateAll, spansProcesses: false });
    frames.hasVideos = true;
    const drawn = await frames.draw(1000);
    return { issued, drawn: drawn !== undefined };
  }

  it('go on until what videos show has come, and longer where one has come into view', async () => {
    assert.deepEqual(await draw(['none', false]), { issued: 1, drawn: false });
    assert.deepEqual(await draw(['changed', false], ['none', true]), { issued: 3, drawn: true });
    const late: [VideoNews, boolean][] = Array.from({ length: 15 }, () => ['none', false]);
    assert.deepEqual(await draw(['appeared', false], ...late, ['none', true]), {
      issued: 1 + 15 + 1 + 20,
      drawn: true,
    });
    assert.deepEqual(await draw(['appeared', true], ...late, ['none', true]), { issued: 1 + 15 + 1 + 20, drawn: true });
    assert.deepEqual(await draw(['appeared', false]), { issued: 1 + 20, drawn: false });
  });

  it('end where something changes in each of them', async () => {
    const ever: [VideoNews, boolean][] = Array.from({ length: 9 }, () => ['changed', true]);
    assert.deepEqual(await draw(...ever), { issued: 5, drawn: true });
  });
});
