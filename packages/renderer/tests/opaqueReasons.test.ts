// Clauses 2 and 4, "whatever it is": with values that throw when they are looked at.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  BrowserPool,
  readComposition,
  RenderOrchestrator,
  verifyPage,
  type RenderEvent,
  type RenderExecutor,
  type RenderJobOptions,
} from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { messageOf } from '../src/unknowns.js';
import { everyThird } from './support/extent.js';
import { OPAQUE } from './support/opaque.js';
import { atEvent, eventsOf, fail, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';
import { untilAborted } from './support/untilAborted.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;

/** What a promise rejects with, in an object: an `await` of the value itself would look for its `then`. */
async function rejection(promise: Promise<unknown>): Promise<{ thrown: unknown }> {
  const [outcome] = await Promise.allSettled([promise]);
  assert.equal(outcome.status, 'rejected');
  return { thrown: outcome.reason };
}

const workers = (render: RenderExecutor['render']): { executor: RenderExecutor } => ({ executor: { render } });

describe('a reason that cannot be looked at', () => {
  for (const [name, reason] of everyThird(OPAQUE)) {
    it(`${name} comes out of an abort, and its receipt has words`, async () => {
      using sandbox = new Sandbox();
      const controller = new AbortController();
      const executor = workers((_url, _path, _options, { signal, worker }) => {
        if (worker === 0) setTimeout(() => controller.abort(reason), 0);
        // Worker 0 passes it on in Node's wrapping, worker 1 as it is.
        return worker === 0 ? delay(60_000, undefined, { signal }) : untilAborted(signal!);
      });
      const { error, receipt, events } = await fail(sandbox, COUNTER, executor, { signal: controller.signal });
      assert.ok(error === reason);
      assert.equal(receipt.message, messageOf(reason));
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
    });

    it(`${name} comes out of an executor that throws it, and a later one is listed`, async () => {
      using sandbox = new Sandbox();
      const later = Object.create(null) as unknown;
      const executor = workers(async (_url, _path, _options, { signal, worker }) => {
        if (worker === 1) throw reason;
        await untilAborted(signal!).catch(() => {});
        throw later;
      });
      const { error, receipt, events } = await fail(sandbox, COUNTER, { ...executor, partialOutput: 'part.mp4' });
      assert.ok(error === reason);
      assert.equal(receipt.message, messageOf(reason));
      assert.ok(eventsOf(events, 'stopped')[0]!.suppressed[0] === later);
    });
  }

  it('stops what reads, runs and draws: nothing of Node or of ours looks at it', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.start(() => {});
    for (const [name, reason] of OPAQUE) {
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = [readComposition(server.url(''), { signal }), runCommand('sleep', ['1000'], { signal })].map(
        rejection,
      );
      setTimeout(() => controller.abort(reason), 20);
      for (const { thrown } of await Promise.all(waiting)) assert.ok(thrown === reason, name);
    }
    sandbox.assertNoComplaints();
  });

  const worst = OPAQUE.find(([name]) => name === 'a revoked Proxy of an error')![1];
  type Begin = (path: string, job: RenderJobOptions) => Promise<unknown>;
  const sample = { width: 64, height: 36, fps: 30, frameCount: 20, concurrency: 2 };
  const begins: [string, Begin][] = [
    ['a render', (path, job) => RenderOrchestrator.render(COUNTER, path, TWO_WORKERS, job)],
    ['a verification', (path, job) => verifyPage(COUNTER, { ...sample, pictures: `${path}.d` }, job)],
  ];
  for (const [name, begin] of begins) {
    it(`stops ${name} with real browsers`, async () => {
      using sandbox = new Sandbox();
      const destination = sandbox.destination('out.mp4');
      const controller = new AbortController();
      await using browsers = new BrowserPool();
      const events: RenderEvent[] = [];
      const abort = atEvent(
        ({ type }) => type === 'frame',
        () => setTimeout(() => controller.abort(worst), 0),
      );
      const onEvent = (event: RenderEvent) => {
        events.push(event);
        abort(event);
      };
      const { thrown } = await rejection(begin(destination, { signal: controller.signal, onEvent, browsers }));
      assert.ok(thrown === worst);
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
      sandbox.assertNothingLeft(destination, controller.signal);
    });
  }
});
