import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  BudgetError,
  EncoderError,
  Renderer,
  RenderOrchestrator,
  renderStill,
  stopReceiptOf,
  type RenderEvent,
  type RenderHooks,
} from '../src/index.js';
import { never } from '../src/lifecycle/abort.js';
import { checkMemory } from '../src/lifecycle/limits.js';
import { ManagedProcess } from '../src/lifecycle/ManagedProcess.js';
import { memoryOfGroups, residentOfGroups } from '../src/lifecycle/memory.js';
import { RepeatedCheck } from '../src/lifecycle/RepeatedCheck.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { LONG } from './support/extent.js';
import { encodeOnly } from './support/encodeOnly.js';
import { TWO_WORKERS, atEvent, eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const { concurrency: _, ...ONE_RANGE } = TWO_WORKERS;
/** Far longer than any test. */
const ENDLESS = { frameCount: 100_000 };

function assertBudget(error: unknown, budget: BudgetError['budget'], limit: number): BudgetError {
  assert.ok(error instanceof BudgetError, String(error));
  assert.deepEqual([error.budget, error.limit], [budget, limit]);
  return error;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

describe('the time of the whole render', () => {
  it('stops everything when it is over, and says how far it came', async () => {
    using sandbox = new Sandbox();
    const { error, receipt, events } = await fail(sandbox, COUNTER, { ...ENDLESS, timeoutMs: 2500 });
    const { message, actual } = assertBudget(error, 'time', 2500);
    assert.ok(actual >= 2499);
    assert.match(message, /not done after 2\.5 s \(\d+ of 100000 frames are rendered; worker 0.*; worker 1.*--timeout/);
    assert.equal(receipt.reason, 'deadline');
    assert.deepEqual(eventsOf(events, 'worker-failed'), [], 'no worker is to blame');
    assert.ok(receipt.workers.every(({ state }) => state === 'stopped'));
  });

  const hold: RenderHooks = { at: ({ phase }) => (phase === 'seek' ? never() : undefined) };
  const { width, height, fps } = ONE_RANGE;
  const alone: [name: string, run: (path: string, onEvent: (event: RenderEvent) => void) => Promise<unknown>][] = [
    [
      'a Renderer',
      (path, onEvent) =>
        new Renderer({ ...ONE_RANGE, timeoutMs: 1500 }).render(COUNTER, path, { hooks: hold, onEvent }),
    ],
    [
      'a still',
      (path, onEvent) =>
        renderStill(COUNTER, path, { width, height, fps, frame: 3, timeoutMs: 1500 }, { hooks: hold, onEvent }),
    ],
  ];
  for (const [name, run] of alone) {
    it(`is kept by ${name} by itself`, async () => {
      using sandbox = new Sandbox();
      const destination = sandbox.destination('out.mp4');
      const [outcome] = await Promise.allSettled([run(destination, sandbox.watch)]);
      const { message } = assertBudget((outcome as PromiseRejectedResult).reason, 'time', 1500);
      assert.match(message, /now worker 0 \(/);
      assert.equal(stopReceiptOf((outcome as PromiseRejectedResult).reason)!.reason, 'deadline');
      sandbox.assertNothingLeft(destination);
    });
  }

  it('clause 14: leaves no timer behind, whether it is over or not', LONG, async () => {
    using sandbox = new Sandbox();
    const before = timers();
    const limits = { timeoutMs: 600_000, maxMemoryMB: 100_000, minFreeDiskMB: 1 };
    await succeed(sandbox, COUNTER, { frameCount: 2, ...limits });
    assert.equal(timers(), before, 'after success');
    await new Renderer({ ...ONE_RANGE, frameCount: 1, ...limits }).render(COUNTER, sandbox.destination('out.mp4'));
    assert.equal(timers(), before, 'after a Renderer');
    await fail(sandbox, 'file:///no/such/page.html', limits);
    assert.equal(timers(), before, 'after a failure');
    const controller = new AbortController();
    const onEvent = atEvent(
      (event) => event.type === 'phase' && event.phase === 'launch',
      () => controller.abort(),
    );
    await fail(sandbox, COUNTER, limits, { signal: controller.signal, onEvent });
    assert.equal(timers(), before, 'after an abort');
  });

  it('clause 10: after the commit it is over for the limits too', async () => {
    using sandbox = new Sandbox();
    const before = timers();
    // The report comes after the commit: by then the timer must be gone.
    let atReport: number | undefined;
    const onEvent = atEvent(
      (event) => event.type === 'report',
      () => (atReport = timers()),
    );
    await succeed(sandbox, 'u', { executor: encodeOnly, timeoutMs: 600_000 }, { onEvent });
    assert.equal(atReport, before);
  });
});

describe('the memory of a worker', () => {
  it('stops everything when one worker goes over it, and names the worker', async () => {
    using sandbox = new Sandbox();
    const { error, receipt, events } = await fail(sandbox, COUNTER, { ...ENDLESS, maxMemoryMB: 20, retries: 3 });
    const { message, actual, position } = assertBudget(error, 'memory', 20);
    assert.ok(actual > 20 && actual < 5000, `${actual} MB`);
    assert.ok(position.worker !== undefined && position.phase !== undefined);
    assert.match(message, /^worker [01].*its processes use \d+ MB of memory, and may use 20 MB: .*--max-memory/);
    assert.equal(receipt.reason, 'budget');
    assert.equal(receipt.first.worker, position.worker);
    assert.equal(receipt.workers[position.worker]!.state, 'failed');
    assert.deepEqual(eventsOf(events, 'retry'), [], 'it is never a reason to begin again');
  });

  it('counts what is held for the worker in this process', async () => {
    const { signal } = new AbortController();
    const check = (bytes: number) => checkMemory(10, [], signal, () => ({ worker: 1 }), [{ bytes }, { bytes: 5e6 }]);
    await check(5e6);
    await assert.rejects(check(5e6 + 1), (error) => error instanceof BudgetError && error.actual === 11);
  });

  it('is that of all processes of the group', async () => {
    const megabytes = 80;
    const child = `const held = Buffer.alloc(${megabytes}e6, 1); setInterval(() => held, 1e6); console.log('ready')`;
    const script =
      `const { spawn } = require('node:child_process');` +
      `spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); setInterval(() => {}, 1e6)`;
    await using leader = ManagedProcess.start(process.execPath, ['-e', script], {
      role: 'holder',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => leader.child.stdout!.once('data', resolve));
    const { signal } = new AbortController();
    const [shared, resident] = await Promise.all([
      memoryOfGroups([leader.pid!], signal),
      residentOfGroups([leader.pid!], signal),
    ]);
    for (const bytes of [shared, resident]) assert.ok(bytes > megabytes * 1e6 && bytes < 1e9, String(bytes));
    assert.ok(shared <= resident, 'what is shared counts once');
    assert.equal(await memoryOfGroups([], signal), 0);
    assert.equal(await residentOfGroups([], signal), 0);
  });
});

/** A small file system of its own inside the sandbox; undefined where we may not mount one. */
async function smallDisk(sandbox: Sandbox, size: string) {
  const path = join(sandbox.inputs, `disk-${size}`);
  mkdirSync(path);
  const { code } = await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  if (code !== 0) return undefined;
  const unmount = async () => {
    await runCommand('umount', [path]);
  };
  return { path, [Symbol.asyncDispose]: unmount };
}

describe('the free disk space', () => {
  it('that is not there at the start: nothing starts', async () => {
    using sandbox = new Sandbox();
    const seen: string[][] = [];
    const onEvent = () => void seen.push(sandbox.files());
    const { error, events, receipt } = await fail(sandbox, COUNTER, { minFreeDiskMB: 1e9 }, { onEvent });
    const { message, actual } = assertBudget(error, 'disk', 1e9);
    const { bavail, bsize } = statfsSync(sandbox.root);
    assert.ok(actual > 0 && Math.abs(actual * 1e6 - bavail * bsize) < 10e9);
    assert.match(
      message,
      /MB of disk are free in .*genlock-test-.*, for temporary files, and 1000000000 MB must stay free/,
    );
    assert.equal(receipt.reason, 'budget');
    assert.ok(
      seen.every((files) => files.length === 1),
      'no file was made',
    );
    assert.deepEqual(eventsOf(events, 'process'), []);
    assert.deepEqual(eventsOf(events, 'worker'), []);
  });

  it('is looked at by a Renderer and a still by themselves', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const { width, height, fps } = ONE_RANGE;
    const limits = { minFreeDiskMB: 1e9 };
    const isBudget = (error: unknown) => assertBudget(error, 'disk', 1e9) instanceof Error;
    await assert.rejects(new Renderer({ ...ONE_RANGE, ...limits }).render(COUNTER, destination), isBudget);
    await assert.rejects(renderStill(COUNTER, destination, { width, height, fps, frame: 0, ...limits }), isBudget);
    sandbox.assertNothingLeft(destination);
  });

  it('that goes during the render stops everything', async (context) => {
    using sandbox = new Sandbox();
    await using disk = await smallDisk(sandbox, '30m');
    if (!disk) {
      context.skip('needs to mount a tmpfs');
      return;
    }
    const destination = join(disk.path, 'out.mp4');
    const events: RenderEvent[] = [];
    const fill = atEvent(
      (event) => event.type === 'frame',
      () => writeFileSync(join(disk.path, 'other'), Buffer.alloc(15e6)),
    );
    const onEvent = (event: RenderEvent) => {
      events.push(event);
      sandbox.watch(event);
      fill(event);
    };
    const options = { ...TWO_WORKERS, ...ENDLESS, minFreeDiskMB: 20 };
    const [outcome] = await Promise.allSettled([RenderOrchestrator.render(COUNTER, destination, options, { onEvent })]);
    const { message } = assertBudget((outcome as PromiseRejectedResult).reason, 'disk', 20);
    assert.ok(message.includes(`${disk.path}, for the output`), message);
    assert.deepEqual([sandbox.survivors(), sandbox.files(), readdirSync(disk.path)], [[], [], ['other']]);
  });
});

describe('clauses 9 and 11: a disk that is full', () => {
  for (const extension of ['mp4', 'mkv']) {
    it(`at the output, .${extension}: an EncoderError, and the old file stays`, async (context) => {
      using sandbox = new Sandbox();
      await using disk = await smallDisk(sandbox, '40k');
      if (!disk) {
        context.skip('needs to mount a tmpfs');
        return;
      }
      const destination = join(disk.path, `out.${extension}`);
      writeFileSync(destination, 'what was here before');
      // 40 frames that move need more than 40 kB.
      const options = { ...TWO_WORKERS, frameCount: 40, crf: 1, executor: encodeOnly };
      const [outcome] = await Promise.allSettled([
        RenderOrchestrator.render('u', destination, options, { onEvent: sandbox.watch }),
      ]);
      const error: unknown = (outcome as PromiseRejectedResult).reason;
      assert.ok(error instanceof EncoderError, String(error));
      assert.match(error.message, /No space left on device/);
      assert.equal(readFileSync(destination, 'utf8'), 'what was here before');
      assert.deepEqual([readdirSync(disk.path), sandbox.files()], [[`out.${extension}`], []]);
    });

    it(`where a worker writes, .${extension}: an EncoderError`, async (context) => {
      using sandbox = new Sandbox();
      await using disk = await smallDisk(sandbox, '12k');
      if (!disk) {
        context.skip('needs to mount a tmpfs');
        return;
      }
      const destination = join(disk.path, `out.${extension}`);
      const options = { ...ONE_RANGE, frameCount: 60, crf: 1 };
      const render = new Renderer(options).render(COUNTER, destination, { onEvent: sandbox.watch });
      await assert.rejects(render, (error) => {
        assert.ok(error instanceof EncoderError, String(error));
        assert.match(error.message, /No space left on device/);
        return true;
      });
      assert.ok(!existsSync(destination));
      assert.deepEqual([sandbox.survivors(), sandbox.files(), readdirSync(disk.path)], [[], [], []]);
    });
  }
});

function unexpected(error: unknown): never {
  throw error;
}

describe('RepeatedCheck', () => {
  it('checks again and again, never two at a time, until it is disposed of', async () => {
    const before = timers();
    let running = 0;
    let count = 0;
    await new Promise<void>((resolve) => {
      const check = new RepeatedCheck(async () => {
        assert.equal(++running, 1);
        await Promise.resolve();
        running -= 1;
        if (++count === 2) void check[Symbol.asyncDispose]().then(resolve);
      }, unexpected);
    });
    assert.deepEqual([count, timers()], [2, before]);
  });

  it('tells a failure once and ends; a failure after its end is not told', async () => {
    const before = timers();
    const error = new Error('too much');
    const told = await new Promise((resolve) => {
      new RepeatedCheck(() => Promise.reject(error), resolve);
    });
    assert.deepEqual([told, timers()], [error, before]);

    const started = new Promise<() => void>((resolve) => {
      const check: RepeatedCheck = new RepeatedCheck(async () => {
        await new Promise<void>((done) => resolve(() => void check[Symbol.asyncDispose]().then(done)));
      }, unexpected);
    });
    (await started)();
  });
});

describe('the options of the budgets', () => {
  it('are checked, and of the whole render alone where they are', () => {
    const limits = { timeoutMs: 5, maxMemoryMB: 6, minFreeDiskMB: 7 };
    const { chunks } = RenderOrchestrator.plan('u', 'o.mp4', { ...TWO_WORKERS, ...limits });
    for (const { options } of chunks) {
      assert.deepEqual([options.timeoutMs, options.maxMemoryMB, options.minFreeDiskMB], [undefined, 6, undefined]);
    }
    for (const name of ['maxMemoryMB', 'minFreeDiskMB']) {
      for (const value of [0, -1, 1.5, NaN, '5']) {
        const plan = () => RenderOrchestrator.plan('u', 'o.mp4', { ...TWO_WORKERS, [name]: value });
        assert.throws(plan, new RegExp(`${name} must be a whole number of MB`));
      }
    }
  });
});
