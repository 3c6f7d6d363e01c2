import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskGroup } from '../src/lifecycle/TaskGroup.js';

/** Settles a promise that is expected to reject; returns what it rejected with, whatever that is. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  assert.equal(result.status, 'rejected');
  return result.reason as unknown;
}

/** Ends as most tasks do: rejects with the reason when the signal aborts. */
function untilAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

function fails(error: unknown): () => Promise<never> {
  return () => Promise.reject(error);
}

describe('TaskGroup', () => {
  it('joins tasks that all succeed', async () => {
    using group = new TaskGroup();
    const done: number[] = [];
    for (const n of [1, 2, 3]) group.go(async () => done.push(n));
    await group.join();
    assert.deepEqual(done, [1, 2, 3]);
    assert.equal(group.signal.aborted, false);
    assert.equal(group.failed, false);
  });

  it('throws the very object that failed first, and aborts the others with it', async () => {
    using group = new TaskGroup();
    const first = new Error('first');
    group.go(untilAbort);
    group.go(fails(first));
    group.go(untilAbort);
    assert.equal(await rejection(group.join()), first);
    assert.equal(group.signal.reason, first);
    assert.deepEqual(group.suppressed, []);
    assert.equal(group.failed, true);
  });

  it('waits for every task before it settles', async () => {
    using group = new TaskGroup();
    const log: string[] = [];
    group.go(fails(new Error('first')));
    group.go(async (signal) => {
      await untilAbort(signal).catch(() => log.push('aborted'));
      await delay(20);
      log.push('cleaned up');
    });
    await rejection(group.join());
    assert.deepEqual(log, ['aborted', 'cleaned up']);
  });

  it('starts all tasks before it handles the failure of one', async () => {
    using group = new TaskGroup();
    const started: number[] = [];
    for (const n of [0, 1]) {
      group.go(async (signal) => {
        started.push(n);
        assert.equal(signal.aborted, false);
        throw new Error(`task ${n}`);
      });
    }
    assert.deepEqual(started, [0, 1], 'both have started in this tick');
    assert.equal(((await rejection(group.join())) as Error).message, 'task 0');
    assert.deepEqual(
      group.suppressed.map((error) => (error as Error).message),
      ['task 1'],
    );
  });

  it('takes a task that throws in its first tick for one that fails', async () => {
    using group = new TaskGroup();
    const thrown = new Error('at once');
    group.go(() => {
      throw thrown;
    });
    let second = false;
    group.go(async () => {
      second = true;
    });
    assert.equal(group.signal.aborted, false, 'a failure is handled after this tick');
    assert.equal(second, true);
    assert.equal(await rejection(group.join()), thrown);
  });

  for (const thrown of [undefined, null, 0, '', 'text', { some: 'object' }]) {
    it(`passes on a thrown ${JSON.stringify(thrown) ?? 'undefined'} as it is`, async () => {
      using group = new TaskGroup();
      group.go(fails(thrown));
      group.go(untilAbort);
      assert.equal(await rejection(group.join()), thrown);
      assert.equal(group.failed, true);
      assert.equal(group.signal.aborted, true);
      assert.deepEqual(group.suppressed, []);
    });

    it(`passes on a parent's reason ${JSON.stringify(thrown) ?? 'undefined'} as it is`, async () => {
      const parent = new AbortController();
      using group = new TaskGroup(parent.signal);
      group.go(untilAbort);
      parent.abort(thrown);
      assert.equal(await rejection(group.join()), parent.signal.reason);
      if (thrown !== undefined) assert.equal(group.signal.reason, thrown);
      assert.equal(group.failed, false);
    });
  }

  it('lists later failures, but no echo of the abort', async () => {
    using group = new TaskGroup();
    const first = new Error('first');
    const later = new Error('later');
    group.go(fails(first));
    group.go(() => delay(1000, undefined, { signal: group.signal })); // AbortError with the reason as its cause
    group.go((signal) => untilAbort(signal).catch(() => Promise.reject(new DOMException('stopped', 'AbortError'))));
    group.go((signal) => untilAbort(signal).catch((cause: unknown) => Promise.reject(new Error('wrapped', { cause }))));
    group.go((signal) => untilAbort(signal).catch(() => Promise.reject(later)));
    group.go((signal) => untilAbort(signal).catch(() => Promise.reject(later)));
    assert.equal(await rejection(group.join()), first);
    assert.deepEqual(group.suppressed, [later]);
  });

  it('lists what fails after the user has aborted, and still rejects with the reason', async () => {
    const parent = new AbortController();
    using group = new TaskGroup(parent.signal);
    const later = new Error('while stopping');
    group.go((signal) => untilAbort(signal).catch(() => Promise.reject(later)));
    parent.abort('stop');
    assert.equal(await rejection(group.join()), 'stop');
    assert.deepEqual(group.suppressed, [later]);
  });

  it('aborts in the tick of the failure', () => {
    using group = new TaskGroup();
    let heard: unknown;
    group.signal.addEventListener('abort', () => (heard = group.signal.reason));
    const error = new Error('now');
    group.fail(error);
    assert.equal(heard, error);
    group.fail(new Error('later'));
    assert.throws(
      () => group.throwIfStopped(),
      (thrown) => thrown === error,
    );
  });

  it('is aborted from the start when its parent is', async () => {
    const reason = { stop: true };
    using group = new TaskGroup(AbortSignal.abort(reason));
    assert.equal(group.signal.aborted, true);
    assert.equal(await rejection(group.join()), reason);
  });

  it('rejects with the failure when the parent aborts after it', async () => {
    const parent = new AbortController();
    using group = new TaskGroup(parent.signal);
    const first = new Error('first');
    group.fail(first);
    parent.abort('too late');
    assert.equal(await rejection(group.join()), first);
    assert.equal(group.failed, true);
  });

  it('unlinks its parent when it is disposed', () => {
    const parent = new AbortController();
    {
      using _group = new TaskGroup(parent.signal);
      assert.equal(getEventListeners(parent.signal, 'abort').length, 1);
    }
    assert.equal(getEventListeners(parent.signal, 'abort').length, 0);
  });
});
