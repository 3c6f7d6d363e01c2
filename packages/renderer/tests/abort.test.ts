import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { abortable, linkAbort, never, withDeadline } from '../src/lifecycle/abort.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('linkAbort', () => {
  it('passes the reason on in the same tick', () => {
    const [parent, child] = [new AbortController(), new AbortController()];
    linkAbort(parent.signal, child);
    const reason = { why: 'test' };
    parent.abort(reason);
    assert.equal(child.signal.reason, reason);
    assert.equal(listeners(parent.signal), 0);
  });

  it('passes on a reason that is there already, and leaves no listener', () => {
    const child = new AbortController();
    const signal = AbortSignal.abort('before');
    linkAbort(signal, child);
    assert.equal(child.signal.reason, 'before');
    assert.equal(listeners(signal), 0);
  });

  it('does nothing after it is unlinked', () => {
    const [parent, child] = [new AbortController(), new AbortController()];
    linkAbort(parent.signal, child)();
    assert.equal(listeners(parent.signal), 0);
    parent.abort();
    assert.equal(child.signal.aborted, false);
  });

  it('needs no parent', () => {
    const child = new AbortController();
    linkAbort(undefined, child)();
    assert.equal(child.signal.aborted, false);
  });

  it('does not abort the parent with the child', () => {
    const [parent, child] = [new AbortController(), new AbortController()];
    linkAbort(parent.signal, child);
    child.abort();
    assert.equal(parent.signal.aborted, false);
  });
});

describe('abortable', () => {
  it('settles as the promise does, and leaves no listener', async () => {
    const { signal } = new AbortController();
    assert.equal(await abortable(Promise.resolve(5), signal), 5);
    const error = new Error('own');
    await assert.rejects(abortable(Promise.reject(error), signal), (thrown) => thrown === error);
    assert.equal(listeners(signal), 0);
  });

  it('rejects with the reason itself at the abort, though the promise never settles', async () => {
    const controller = new AbortController();
    const waiting = abortable(never(), controller.signal);
    controller.abort('enough');
    assert.equal(await waiting.catch((reason: unknown) => reason), 'enough');
    assert.equal(listeners(controller.signal), 0);
  });

  it('rejects at once on a signal that is aborted, and swallows what the promise does later', async () => {
    const late = new Promise((_, reject) => setImmediate(() => reject(new Error('late'))));
    assert.equal(await abortable(late, AbortSignal.abort('before')).catch((reason: unknown) => reason), 'before');
    await late.catch(() => {});
  });
});

describe('withDeadline', () => {
  it('settles as the promise does, and stops its timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    assert.equal(await withDeadline(Promise.resolve(5), 60_000, () => new Error('late')), 5);
    await assert.rejects(
      withDeadline(Promise.reject(new Error('own')), 60_000, () => new Error('late')),
      /own/,
    );
    assert.equal(timers(), before);
  });

  it('rejects with the error that `late` makes, made only then', async () => {
    let made = 0;
    const late = () => {
      made += 1;
      return new RangeError('late');
    };
    const waiting = withDeadline(never(), 5, late);
    assert.equal(made, 0);
    await assert.rejects(waiting, RangeError);
    assert.equal(made, 1);
  });
});
