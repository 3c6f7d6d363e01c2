/**
 * Verifies that the workers of one render stop together. Run by itself:
 *
 *     npx tsx packages/renderer/tests/verify-distributed-cancellation.ts
 *
 * Every property is asserted three times: on real Chromium and ffmpeg, with a fake executor, and
 * with `Renderer.prototype.render` replaced. Exits with 0 when all of them hold.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { Renderer, RenderOrchestrator, type RenderExecutor, type RenderJobOptions } from '../src/index.js';
import type { RenderEvent, StopReceipt } from '../src/index.js';
import type { DistributedRenderOptions, RendererOptions } from '../src/types.js';
import { Sandbox } from './support/Sandbox.js';

const PAGE = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const OPTIONS: DistributedRenderOptions = { width: 320, height: 180, fps: 30, frameCount: 600, concurrency: 2 };
// eslint-disable-next-line @typescript-eslint/unbound-method -- put back where it was, never called
const realRender = Renderer.prototype.render;

/** One call of a worker, as this script saw it. */
interface Call {
  worker: number;
  signal: AbortSignal | undefined;
  frames: number;
  framesAfterAbort: number;
  outcome: 'running' | 'completed' | 'failed';
  error?: unknown;
}

/** Which workers fail, by index, and at which of their frames. */
type Failures = Record<number, number>;

/** A way to run chunks, with the calls that it saw. */
interface World {
  name: string;
  real: boolean;
  calls: Call[];
  failures: Failures;
  executor?: RenderExecutor;
}

function workerOf(outputPath: string): number {
  return Number(/part_(\d+)/.exec(outputPath)![1]);
}

/** Runs a chunk through `run` and records what becomes of it. */
async function observed(
  world: World,
  outputPath: string,
  job: RenderJobOptions,
  run: (job: RenderJobOptions, failAt: number | undefined) => Promise<unknown>,
): Promise<void> {
  const worker = workerOf(outputPath);
  const call: Call = { worker, signal: job.signal, frames: 0, framesAfterAbort: 0, outcome: 'running' };
  world.calls.push(call);
  const onEvent = (event: RenderEvent) => {
    if (event.type === 'frame') {
      call.frames += 1;
      if (job.signal?.aborted) call.framesAfterAbort += 1;
    }
    job.onEvent?.(event);
  };
  try {
    await run({ ...job, onEvent }, world.failures[worker]);
    call.outcome = 'completed';
  } catch (error) {
    call.outcome = 'failed';
    call.error = error;
    throw error;
  }
}

/** Pretends to render: a frame every millisecond, until it fails or is aborted. */
async function pretend(options: RendererOptions, job: RenderJobOptions, failAt: number | undefined): Promise<void> {
  const total = options.frameCount!;
  for (let rendered = 1; rendered <= total; rendered++) {
    if (rendered === failAt) throw new Error(`worker ${job.worker} failed on purpose`);
    try {
      await delay(1, undefined, { signal: job.signal });
    } catch {
      throw job.signal!.reason;
    }
    job.onEvent?.({ type: 'frame', frame: rendered, worker: job.worker!, rendered, total });
    job.onProgress?.(rendered / total);
  }
}

function realWorld(): World {
  const world: World = { name: 'real Chromium and ffmpeg', real: true, calls: [], failures: {} };
  world.executor = {
    render: (url, outputPath, options, job) =>
      observed(world, outputPath, job, (observedJob, throwAt) => {
        const renderer = new Renderer({ ...options, inputProps: throwAt === undefined ? {} : { throwAt } });
        return renderer.render(url, outputPath, observedJob);
      }),
  };
  return world;
}

function fakeExecutorWorld(): World {
  const world: World = { name: 'fake executor', real: false, calls: [], failures: {} };
  world.executor = {
    render: (_url, outputPath, options, job) =>
      observed(world, outputPath, job, (observedJob, failAt) => pretend(options, observedJob, failAt)),
  };
  return world;
}

function replacedRendererWorld(): World {
  const world: World = { name: 'Renderer.prototype.render replaced', real: false, calls: [], failures: {} };
  Renderer.prototype.render = function (_url, outputPath, job) {
    const options = { ...OPTIONS, frameCount: 300 };
    return observed(world, outputPath, job!, (observedJob, failAt) => pretend(options, observedJob, failAt));
  };
  return world;
}

/** Runs a render that must fail; returns what it rejected with and what it told. */
async function rejected(world: World, sandbox: Sandbox, failures: Failures, job: RenderJobOptions = {}) {
  world.calls.length = 0;
  world.failures = failures;
  const destination = sandbox.destination('out.mp4');
  const events: RenderEvent[] = [];
  const onEvent = (event: RenderEvent) => {
    events.push(event);
    sandbox.watch(event);
    job.onEvent?.(event);
  };
  const options = world.executor ? { ...OPTIONS, executor: world.executor } : OPTIONS;
  let error: unknown;
  try {
    await RenderOrchestrator.render(PAGE, destination, options, { ...job, onEvent });
    assert.fail('the render succeeded');
  } catch (caught) {
    error = caught;
  }
  // Line 7, after each of the others.
  sandbox.assertNothingLeft(destination, job.signal);
  assert.ok(
    world.calls.every((call) => call.outcome !== 'running'),
    'a worker was still running',
  );
  const receipt = events.find((event) => event.type === 'stopped')?.receipt;
  return { error, events, receipt };
}

/** Aborts when every worker has rendered some frames. */
function abortInFlight(world: World, controller: AbortController, reason: unknown): RenderJobOptions {
  return {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type !== 'frame' || controller.signal.aborted) return;
      if (world.calls.length === 2 && world.calls.every((call) => call.frames >= 3)) controller.abort(reason);
    },
  };
}

function say(line: string, receipt?: StopReceipt): void {
  console.log(`  ok ${line}${receipt ? ` (${receipt.ms.toFixed(0)} ms until nothing was left)` : ''}`);
}

async function verifyWorld(world: World): Promise<void> {
  console.log(world.name);
  using sandbox = new Sandbox();

  {
    const controller = new AbortController();
    let listenersWhile = 0;
    const job = abortInFlight(world, controller, new Error('line 1'));
    const { onEvent } = job;
    job.onEvent = (event) => {
      listenersWhile = Math.max(listenersWhile, getEventListeners(controller.signal, 'abort').length);
      onEvent!(event);
    };
    await rejected(world, sandbox, {}, job);
    assert.equal(world.calls.length, 2, 'both workers were called');
    for (const { signal, worker } of world.calls) {
      assert.ok(signal instanceof AbortSignal, `worker ${worker} got a signal`);
      assert.notEqual(signal, controller.signal, `worker ${worker} got an internal signal`);
      assert.ok(signal.aborted, `the signal of worker ${worker} is linked to the user's`);
    }
    assert.ok(listenersWhile > 0, 'the user signal is linked while the render runs');
    say(
      `1. an internal signal reaches every worker (${world.calls.length}), linked to the user's, unlinked at the end`,
    );

    const reason = new Error('aborted before');
    const { error } = await rejected(world, sandbox, {}, { signal: AbortSignal.abort(reason) });
    assert.equal(error, reason);
    assert.equal(world.calls.length, 0, 'an aborted signal starts no worker');
    say('1. a signal that is aborted already starts nothing, and is rejected with its reason');
  }

  {
    const { error, receipt } = await rejected(world, sandbox, { 0: 5 });
    const [first, second] = [0, 1].map((index) => world.calls.find((call) => call.worker === index)!);
    assert.equal(first!.outcome, 'failed');
    assert.equal(second!.outcome, 'failed', 'the second worker never completes');
    assert.ok(second!.frames < 300);
    assert.equal(second!.framesAfterAbort, 0, 'the second worker draws no frame after the abort');
    assert.equal(second!.signal!.aborted, true);
    say(`2. worker 0 failed at frame 5; worker 1 stopped after ${second!.frames} of 300 frames`, receipt);

    assert.equal(error, first!.error, 'the caller gets the very error of the first worker');
    assert.notEqual((error as Error).name, 'AbortError');
    say(`3. rejected with the original error object: ${(error as Error).message.split('\n')[0]}`);
  }

  for (const reason of [new Error('the user says stop'), 'a string', { stop: true }]) {
    const controller = new AbortController();
    const { error, receipt } = await rejected(world, sandbox, {}, abortInFlight(world, controller, reason));
    assert.equal(error, reason, 'rejected with signal.reason itself');
    assert.ok(world.calls.every((call) => call.outcome === 'failed' && call.framesAfterAbort === 0));
    assert.equal(receipt?.reason, 'user');
    say(
      `4. the user aborted with ${typeof reason === 'string' ? 'text' : reason.constructor.name}: all workers stopped`,
      receipt,
    );
  }

  {
    const { error, events, receipt } = await rejected(world, sandbox, { 0: 3, 1: 3 });
    assert.ok(world.calls.every((call) => call.outcome === 'failed' && call.signal!.aborted));
    const failures = world.calls.map((call) => call.error);
    assert.ok(failures.includes(error), 'the error is one of the workers own');
    const told = events.find((event) => event.type === 'worker-failed');
    if (told) assert.equal(error, told.error, 'the first failure told is the one thrown');
    const stopped = events.find((event) => event.type === 'stopped')!;
    assert.ok(!stopped.suppressed.includes(error), 'the cause is not among the suppressed');
    say('5. both workers failed at the same frame: the first error came out, all were aborted', receipt);
  }

  if (world.real) {
    const destination = sandbox.destination('direct.mp4');
    const controller = new AbortController();
    const reason = new Error('stop this one');
    let frames = 0;
    const { concurrency: _concurrency, executor: _executor, ...options } = OPTIONS;
    const running = new Renderer(options).render(PAGE, destination, {
      signal: controller.signal,
      onEvent: (event) => {
        sandbox.watch(event);
        if (event.type === 'frame' && ++frames === 3) controller.abort(reason);
      },
    });
    await assert.rejects(running, (error) => error === reason);
    assert.equal(frames, 3, 'no frame is drawn after the abort');
    assert.deepEqual(sandbox.survivors(), []);
    assert.deepEqual(sandbox.files().sort(), ['direct.mp4', 'out.mp4']);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    say('6. a Renderer by itself obeys the same signal');
  }
  say('7. after each of these: no process, no temporary file, no listener, the destination untouched');
}

for (const makeWorld of [realWorld, fakeExecutorWorld, replacedRendererWorld]) {
  try {
    await verifyWorld(makeWorld());
  } finally {
    Renderer.prototype.render = realRender;
  }
}
console.log('Every worker stops together.');
