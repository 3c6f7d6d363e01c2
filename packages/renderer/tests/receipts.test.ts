import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  PageError,
  Renderer,
  RenderOrchestrator,
  TeardownError,
  renderStill,
  stopReceiptOf,
  type RenderEvent,
  type RenderExecutor,
  type RenderHooks,
  type RenderJobOptions,
} from '../src/index.js';
import { encodeOnly } from './support/encodeOnly.js';
import { TWO_WORKERS, atEvent, eventsOf, fail } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const { concurrency: _, ...ONE_RANGE } = TWO_WORKERS;

/** Runs what must fail; returns the very thing that it rejected with, and its events. */
async function rejection(sandbox: Sandbox, job: RenderJobOptions, work: (job: RenderJobOptions) => Promise<unknown>) {
  const events: RenderEvent[] = [];
  const onEvent = (event: RenderEvent) => {
    events.push(event);
    sandbox.watch(event);
    job.onEvent?.(event);
  };
  const [outcome] = await Promise.allSettled([work({ ...job, onEvent })]);
  assert.equal(outcome.status, 'rejected');
  const error: unknown = outcome.reason;
  return { error, events };
}

describe('clause 8: the receipt of a render', () => {
  it('says of each process of a page that throws who it belonged to, how it was ended and in what phase', async () => {
    using sandbox = new Sandbox();
    const options = { inputProps: { throwAt: 12 }, frameCount: 40, retries: 3 };
    const { error, events, receipt } = await fail(sandbox, COUNTER, options);
    // Clause 2: the error that a real worker tells of is the one that is thrown; that of a page is never retried.
    assert.ok(error instanceof PageError);
    assert.equal(eventsOf(events, 'worker-failed')[0]!.error, error);
    assert.equal(eventsOf(events, 'page-error')[0]!.error, error);
    assert.deepEqual([eventsOf(events, 'retry'), receipt.retries], [[], []]);
    assert.ok(receipt.processes.length > 0);
    for (const { pid, role, worker, how, phase } of receipt.processes) {
      assert.ok(pid > 0 && ['browser', 'encoder'].includes(role));
      assert.equal(how, 'SIGKILL');
      assert.equal(phase, receipt.workers[worker!]!.phase);
    }
  });

  it('names the worker and the frame also of an error that knows nothing of them', async () => {
    using sandbox = new Sandbox();
    const plain = new Error('no position');
    const hooks: RenderHooks = {
      at: ({ phase, worker, frame }) => {
        if (phase === 'capture' && worker === 1 && frame === 12) throw plain;
      },
    };
    const { error, receipt } = await fail(sandbox, COUNTER, {}, { hooks });
    assert.equal(error, plain);
    assert.deepEqual(receipt.first, { worker: 1, frame: 12, phase: 'capture' });
    assert.equal(receipt.workers[1]!.state, 'failed');
  });

  it('names the worker of an executor that rejects with what is no error', async () => {
    using sandbox = new Sandbox();
    const text: unknown = 'just text';
    const executor: RenderExecutor = {
      render: (_url, _path, _options, { worker, signal }) =>
        worker === 1
          ? Promise.reject(text)
          : new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason))),
    };
    const { error, receipt } = await fail(sandbox, COUNTER, { executor });
    assert.equal(error, 'just text');
    assert.deepEqual([receipt.first, receipt.message], [{ worker: 1 }, 'just text']);
    assert.deepEqual(
      receipt.workers.map(({ state }) => state),
      ['stopped', 'failed'],
    );
  });

  it('is there for a caller without a listener, and the error stays as it was', async () => {
    using sandbox = new Sandbox();
    const reason = Object.freeze(new Error('frozen'));
    const executor: RenderExecutor = { render: () => Promise.reject(reason) };
    const destination = sandbox.destination('out.mp4');
    const render = () => RenderOrchestrator.render('u', destination, { ...TWO_WORKERS, executor });
    assert.equal(stopReceiptOf(reason), undefined);
    await assert.rejects(render(), (error) => error === reason);
    const receipt = stopReceiptOf(reason)!;
    assert.equal(receipt.message, 'frozen');
    assert.deepEqual(receipt.leftovers, []);
    await assert.rejects(render(), (error) => error === reason);
    assert.notEqual(stopReceiptOf(reason), receipt, 'the latest');
    for (const value of [undefined, null, 'text', 5, {}, new Error('other')])
      assert.equal(stopReceiptOf(value), undefined);
  });

  it('is the one of the event', async () => {
    using sandbox = new Sandbox();
    const { error, receipt } = await fail(sandbox, 'file:///no/such/page.html');
    assert.equal(stopReceiptOf(error), receipt);
  });

  it('with a leftover: the cause still comes out, and a TeardownError is suppressed', async () => {
    using sandbox = new Sandbox();
    const cause = new Error('the cause');
    const executor: RenderExecutor = {
      render: (_url, _path, _options, { worker, onEvent }) => {
        onEvent!({ type: 'warning', message: 'left behind: a thing', worker: worker!, leftover: `thing ${worker}` });
        return Promise.reject(cause);
      },
    };
    const destination = sandbox.destination('out.mp4');
    const { error, events } = await rejection(sandbox, {}, (job) =>
      RenderOrchestrator.render('u', destination, { ...TWO_WORKERS, executor }, job),
    );
    assert.equal(error, cause);
    const [stopped] = eventsOf(events, 'stopped');
    assert.deepEqual(stopped!.receipt.leftovers, ['thing 0', 'thing 1']);
    const [teardown, ...more] = stopped!.suppressed;
    assert.ok(teardown instanceof TeardownError && more.length === 0);
    assert.deepEqual(teardown.survivors, ['thing 0', 'thing 1']);
  });

  it('with a leftover and no other cause: the TeardownError comes out', async () => {
    using sandbox = new Sandbox();
    const executor: RenderExecutor = {
      render: async (url, path, options, job) => {
        await encodeOnly.render(url, path, options, job);
        job.onEvent!({ type: 'warning', message: 'left behind', worker: job.worker!, leftover: 'a thing' });
      },
    };
    const destination = sandbox.destination('out.mp4');
    const { error, events } = await rejection(sandbox, {}, (job) =>
      RenderOrchestrator.render('u', destination, { ...TWO_WORKERS, executor, concurrency: 1 }, job),
    );
    assert.ok(error instanceof TeardownError);
    assert.deepEqual(error.survivors, ['a thing']);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
    assert.deepEqual(stopReceiptOf(error)!.leftovers, ['a thing']);
  });
});

describe('clauses 2 and 3: two workers fail in one tick', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    it(`worker ${order[0]} first: its error comes out, the other one is suppressed`, async () => {
      using sandbox = new Sandbox();
      const errors = [new Error('of worker 0'), new Error('of worker 1')];
      const fails: (() => void)[] = [];
      const hooks: RenderHooks = {
        at: ({ phase, worker }) => {
          if (phase !== 'seek' || fails[worker!]) return undefined;
          return new Promise<void>((_, reject) => {
            fails[worker!] = () => reject(errors[worker!]!);
            // Both are waiting by then, and both fail in one tick.
            if (fails[0] && fails[1]) setImmediate(() => order.forEach((index) => fails[index]!()));
          });
        },
      };
      const { error, events } = await fail(sandbox, COUNTER, {}, { hooks });
      assert.equal(error, errors[order[0]!]);
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [errors[order[1]!]]);
    });
  }
});

describe('the receipt of a Renderer or a still by itself', () => {
  it('of a Renderer that the user stops', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const reason = { enough: true };
    const onEvent = atEvent(
      (event) => event.type === 'frame' && event.frame === 2,
      () => controller.abort(reason),
    );
    const destination = sandbox.destination('out.mp4');
    const { error, events } = await rejection(sandbox, { signal: controller.signal, onEvent }, (job) =>
      new Renderer(ONE_RANGE).render(COUNTER, destination, job),
    );
    assert.equal(error, reason);
    sandbox.assertNothingLeft(destination, controller.signal);
    const [stopped, ...more] = eventsOf(events, 'stopped');
    assert.ok(stopped && more.length === 0 && events.at(-1) === stopped, 'once, and last');
    assert.equal(stopped.error, reason);
    const { receipt } = stopped;
    assert.deepEqual([receipt.reason, receipt.first, receipt.leftovers], ['user', {}, []]);
    assert.deepEqual(receipt.workers, [{ worker: 0, phase: 'capture', frame: 2, state: 'stopped' }]);
    assert.deepEqual(receipt.processes.map(({ role, how, phase }) => `${role} ${how} ${phase}`).sort(), [
      'browser SIGKILL capture',
      'encoder SIGKILL capture',
    ]);
    assert.equal(stopReceiptOf(error), receipt);
    assert.deepEqual(JSON.parse(JSON.stringify(receipt)), receipt);
  });

  it('of a still whose page throws', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('f.png');
    const { width, height, fps } = TWO_WORKERS;
    const { error, events } = await rejection(sandbox, {}, (job) =>
      renderStill(COUNTER, destination, { width, height, fps, frame: 3, inputProps: { throwAt: 3 } }, job),
    );
    assert.ok(error instanceof PageError);
    sandbox.assertNothingLeft(destination);
    const { receipt } = eventsOf(events, 'stopped')[0]!;
    assert.deepEqual([receipt.reason, receipt.first], ['worker', { worker: 0, frame: 3, phase: 'capture' }]);
    assert.equal(receipt.workers[0]!.state, 'failed');
  });

  it('clause 2: a thrown undefined comes out as it is', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const thrown: unknown = undefined;
    const hooks: RenderHooks = { at: () => Promise.reject(thrown) };
    const { error } = await rejection(sandbox, { hooks }, (job) =>
      new Renderer(ONE_RANGE).render(COUNTER, destination, job),
    );
    assert.equal(error, undefined);
    sandbox.assertNothingLeft(destination);
  });

  it('is not sent by a part of a larger render', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const { events } = await rejection(sandbox, { worker: 1 }, (job) =>
      new Renderer(ONE_RANGE).render('file:///no/such/page.html', destination, job),
    );
    assert.deepEqual(eventsOf(events, 'stopped'), []);
    assert.equal(eventsOf(events, 'worker-failed').length, 1);
  });
});
