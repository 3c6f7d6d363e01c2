import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { RenderEvent, RenderExecutor, RenderJobOptions } from '../src/index.js';
import { encodeOnly } from './support/encodeOnly.js';
import { TWO_WORKERS, atEvent, eventsOf, fail, framesOf, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;

/** Runs a render and records the shares of progress among its events. */
async function rendered(sandbox: Sandbox, options = {}) {
  const told: (RenderEvent | { type: 'progress'; share: number })[] = [];
  const job: RenderJobOptions = {
    onEvent: (event) => void told.push(event),
    onProgress: (share) => void told.push({ type: 'progress', share }),
  };
  const result = await succeed(sandbox, COUNTER, options, job);
  const shares = told.flatMap((entry) => (entry.type === 'progress' ? [entry.share] : []));
  return { ...result, told, shares };
}

describe('a render that succeeds', () => {
  let plain: RenderEvent[] | undefined;
  /** The events of a render of two workers and ten frames each, made once. */
  async function plainEvents(): Promise<RenderEvent[]> {
    using sandbox = new Sandbox();
    plain ??= (await rendered(sandbox)).events;
    return plain;
  }

  it('tells its progress: it rises, frame by frame, to exactly 1 before the join', async () => {
    using sandbox = new Sandbox();
    const { told, shares } = await rendered(sandbox, { frameCount: 21 });
    assert.ok(shares.every((share) => share > 0 && share <= 1));
    assert.ok(shares.every((share, index) => index === 0 || share > shares[index - 1]!));
    assert.ok(shares.length >= 21);
    assert.equal(shares.at(-1), 1);
    assert.equal(shares.filter((share) => share === 1).length, 1);
    const full = told.findIndex((entry) => entry.type === 'progress' && entry.share === 1);
    const join = told.findIndex((entry) => entry.type === 'phase' && entry.phase === 'concat');
    assert.ok(full >= 0 && join > full);
  });

  it('tells its events in their order', async () => {
    const events = await plainEvents();
    assert.deepEqual(
      eventsOf(events, 'state').map(({ state }) => state),
      ['running', 'finishing', 'succeeded'],
    );
    for (const worker of [0, 1]) {
      const phases = eventsOf(events, 'phase').filter((event) => event.worker === worker);
      assert.deepEqual(
        phases.map(({ phase }) => phase),
        ['launch', 'load', 'seek', 'capture', 'drain', 'verify', 'commit'],
      );
      const states = eventsOf(events, 'worker').filter((event) => event.worker === worker);
      assert.deepEqual(
        states.map(({ state, startFrame, frameCount }) => [state, startFrame, frameCount]),
        ['starting', 'rendering', 'finished'].map((state) => [state, worker * 10, 10]),
      );
      assert.deepEqual(
        framesOf(events, worker),
        Array.from({ length: 10 }, (_, index) => worker * 10 + index),
      );
    }
    assert.deepEqual(
      eventsOf(events, 'phase')
        .filter(({ worker }) => worker === undefined)
        .map(({ phase }) => phase),
      ['verify', 'concat', 'commit'],
    );
    const types = events.map(({ type }) => type);
    assert.equal(types[0], 'state');
    assert.equal(types.at(-1), 'report');
    assert.ok(!types.includes('worker-failed') && !types.includes('stopped') && !types.includes('warning'));
  });

  it('tells every process once when it starts and once when it ends', async () => {
    const events = await plainEvents();
    const running = new Map<number, string>();
    for (const event of eventsOf(events, 'process')) {
      if (event.state === 'started') {
        assert.ok(!running.has(event.pid));
        running.set(event.pid, event.role);
      } else {
        assert.equal(running.get(event.pid), event.role);
        running.delete(event.pid);
        if (event.role !== 'browser') assert.equal(event.how, 'exit', `${event.role} ended by itself`);
      }
    }
    assert.deepEqual([...running], []);
    const roles = eventsOf(events, 'process').flatMap(({ state, role }) => (state === 'started' ? [role] : []));
    // Each worker looks into its own chunk, and nobody does again.
    const expected = { browser: 2, encoder: 2, probe: 3, concat: 1 };
    for (const [role, count] of Object.entries(expected)) {
      assert.equal(roles.filter((name) => name === role).length, count, role);
    }
  });

  it('starts one encoder, also for a page that can only be captured as screenshots', async () => {
    using sandbox = new Sandbox();
    const html = '<!doctype html><body style="background: teal">';
    const { events } = await succeed(sandbox, `data:text/html,${html}`, { frameCount: 2, concurrency: 1 });
    const started = eventsOf(events, 'process').filter(({ role, state }) => role === 'encoder' && state === 'started');
    assert.equal(started.length, 1);
  });

  it('joins nothing where there is one chunk, and looks into it once', async () => {
    using sandbox = new Sandbox();
    const { events } = await rendered(sandbox, { concurrency: 1 });
    const started = eventsOf(events, 'process').filter(({ state }) => state === 'started');
    assert.deepEqual(started.map(({ role }) => role).sort(), ['browser', 'encoder', 'probe']);
  });

  it('returns a report whose figures agree with each other and with the file', async () => {
    using sandbox = new Sandbox();
    const { report, events, path } = await rendered(sandbox, { fps: '30000/1001', startFrame: 5 });
    assert.deepEqual(eventsOf(events, 'report')[0]!.report, report);
    assert.equal(report.outputPath, path);
    assert.equal(report.frames, 20);
    assert.deepEqual([report.width, report.height, report.fps], [160, 90, { num: 30000, den: 1001 }]);
    assert.ok(Math.abs(report.durationInSeconds - (20 * 1001) / 30000) < 1e-9);
    assert.equal(report.bytes, statSync(path).size);
    assert.ok(Math.abs(report.framesPerSecond - 20_000 / report.wallMs) < 1e-6);

    assert.deepEqual(
      report.workers.map(({ worker, chunks, frames }) => [worker, chunks, frames]),
      [
        [0, [0], 10],
        [1, [1], 10],
      ],
    );
    for (const worker of report.workers) {
      assert.ok(worker.wallMs > 0 && worker.wallMs <= report.wallMs);
      assert.ok(Math.abs(worker.framesPerSecond - 10_000 / worker.wallMs) < 1e-6);
      const phases = Object.values(worker.phases);
      assert.ok(phases.every((ms) => ms >= 0));
      const sum = phases.reduce((a, b) => a + b, 0);
      assert.ok(sum <= worker.wallMs + 1 && sum > worker.wallMs * 0.9, `${sum} of ${worker.wallMs} ms`);
    }
    const sum = Object.values(report.phases).reduce((a, b) => a + b, 0);
    assert.ok(sum <= report.wallMs && sum > report.wallMs * 0.8, `${sum} of ${report.wallMs} ms`);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });

  it('stays so, though it is aborted after the commit', async () => {
    using sandbox = new Sandbox();
    for (const type of ['state', 'report'] as const) {
      const controller = new AbortController();
      const onEvent = atEvent(
        (event) => event.type === type && (event.type === 'report' || event.state === 'succeeded'),
        () => controller.abort(),
      );
      const job = { signal: controller.signal, onEvent };
      const options = { frameCount: 2, executor: encodeOnly };
      const { events, report, path } = await succeed(sandbox, COUNTER, options, job);
      assert.equal(report.frames, 2);
      assert.equal(readFileSync(path).length, report.bytes);
      assert.deepEqual(
        eventsOf(events, 'state').map(({ state }) => state),
        ['running', 'finishing', 'succeeded'],
      );
    }
  });

  it('does not mind a listener that throws after the commit', async () => {
    using sandbox = new Sandbox();
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'report') throw new Error('too late');
    };
    const options = { frameCount: 2, executor: encodeOnly };
    const { report, events } = await succeed(sandbox, COUNTER, options, { onEvent });
    assert.equal(report.frames, 2);
    assert.equal(eventsOf(events, 'state').at(-1)?.state, 'succeeded');
  });
});

describe('the receipt of a stop', () => {
  it('says who stopped what, and how', async () => {
    using sandbox = new Sandbox();
    const { error, events, receipt } = await fail(sandbox, COUNTER, { inputProps: { throwAt: 12 } });
    const { worker, frame, phase } = receipt.first;
    assert.deepEqual([worker, frame, phase], [1, 12, 'capture']);
    assert.equal(receipt.reason, 'worker');
    assert.equal(receipt.message, (error as Error).message);
    assert.ok(receipt.ms > 0 && receipt.ms < 10_000);
    assert.deepEqual(
      receipt.workers.map((entry) => entry.worker),
      [0, 1],
    );
    assert.equal(receipt.workers[1]!.state, 'failed');
    assert.ok(['stopped', 'finished'].includes(receipt.workers[0]!.state));
    assert.ok(
      receipt.processes.some(({ role, how, worker: of }) => role === 'browser' && how === 'SIGKILL' && of === 1),
    );

    const failing = events.findIndex((event) => event.type === 'state' && event.state === 'failing');
    const ended = eventsOf(events.slice(failing), 'process').map(({ pid }) => pid);
    assert.deepEqual(
      receipt.processes.map(({ pid }) => pid),
      ended,
    );
    assert.equal(events.at(-1)?.type, 'state');
    assert.equal(events.at(-2)?.type, 'stopped');
    assert.deepEqual(JSON.parse(JSON.stringify(receipt)), receipt);
  });

  it('says that the user stopped it', async () => {
    using sandbox = new Sandbox();
    for (const phase of ['load', 'capture', 'verify', 'concat', 'commit'] as const) {
      const controller = new AbortController();
      const reason = { phase };
      const onEvent = atEvent(
        (event) =>
          event.type === 'phase' && event.phase === phase && (phase !== 'commit' || event.worker === undefined),
        () => controller.abort(reason),
      );
      const job = { signal: controller.signal, onEvent };
      // What comes after the workers needs no browsers.
      const executor = phase === 'load' || phase === 'capture' ? {} : { executor: encodeOnly };
      const { error, receipt } = await fail(sandbox, COUNTER, { frameCount: 4, ...executor }, job);
      assert.equal(error, reason, phase);
      assert.equal(receipt.reason, 'user', phase);
      assert.deepEqual(receipt.first, {}, phase);
    }
  });

  it('lists the failures after the first, of fakes that fail together', async () => {
    using sandbox = new Sandbox();
    const errors = [new Error('worker 0'), new Error('worker 1')];
    const executor: RenderExecutor = {
      render: (_url, _path, _options, { worker }) => Promise.reject(errors[worker!]!),
    };
    const { error, events } = await fail(sandbox, COUNTER, { executor });
    assert.equal(error, errors[0]);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [errors[1]]);
  });
});

describe('progress of an executor that misbehaves', () => {
  it('never falls and never passes 1', async () => {
    using sandbox = new Sandbox();
    const shares: number[] = [];
    const stop = new Error('enough');
    const executor: RenderExecutor = {
      render: async (_url, _path, _options, { onProgress }) => {
        for (const share of [0.5, 0.2, 0.5, 7, NaN, -1]) onProgress!(share);
        throw stop;
      },
    };
    const onProgress = (share: number) => void shares.push(share);
    const { error } = await fail(sandbox, COUNTER, { ...TWO_WORKERS, executor }, { onProgress });
    assert.equal(error, stop);
    assert.deepEqual(shares, [0.25, 0.5, 0.75, 1]);
  });
});
