import assert from 'node:assert/strict';
import test from 'node:test';
import type { BrowserSession } from '../src/browser/BrowserSession.js';
import { GarbageCollection } from '../src/browser/GarbageCollection.js';
import type { JobScope } from '../src/lifecycle/JobScope.js';

test('garbage is collected between frames, in a hundredth of the time', async (context) => {
  let now = 5000;
  context.mock.method(performance, 'now', () => now);
  const collections: number[] = [];
  const send = (method: string) => {
    assert.equal(method, 'HeapProfiler.collectGarbage');
    collections.push(now);
    // The second one takes longer.
    now += collections.length === 2 ? 50 : 10;
    return Promise.resolve();
  };
  const scope = { wait: (promise: Promise<void>) => promise } as unknown as JobScope;
  const garbage = new GarbageCollection({ send } as unknown as BrowserSession, scope);
  for (let frame = 0; frame < 110; frame++) {
    await garbage.collectInTime(1000);
    now += 90;
  }
  // 1.5 s after the start, then 1 s after one of 10 ms, and 5 s after one of 50 ms; at the next frame.
  assert.deepEqual(collections, [6530, 7620, 12710, 13800, 14890]);
});
