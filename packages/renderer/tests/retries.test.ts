import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  AssetError,
  BrowserCrashError,
  BudgetError,
  EncoderError,
  NavigationError,
  PageError,
  RenderOrchestrator,
  StallError,
  ToolError,
  type RenderEvent,
  type RenderExecutor,
  type RenderJobOptions,
} from '../src/index.js';
import { encodeOnly } from './support/encodeOnly.js';
import { LONG } from './support/extent.js';
import { TWO_WORKERS, eventsOf, fail, framesOf, killRenderers, succeed, whenDrawn } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;

function crash(text = 'killed'): BrowserCrashError {
  return new BrowserCrashError(text, { worker: 1, frame: 12, phase: 'capture' });
}

function encoderEnd(signal: NodeJS.Signals | null): EncoderError {
  return new EncoderError('encoding failed', { code: signal ? null : 1, signal, stderr: '' }, { worker: 1 });
}

/** Ends as a worker does that was told to stop. */
function untilAbort({ signal }: RenderJobOptions): Promise<never> {
  return new Promise((_, reject) => {
    if (signal!.aborted) reject(signal!.reason);
    signal!.addEventListener('abort', () => reject(signal!.reason));
  });
}

interface Fake extends RenderExecutor {
  /** How often each worker was started. */
  starts: number[];
}

/** An executor whose worker 1 fails with these errors in turn, and then renders; worker 0 does as told. */
function failing(
  errors: readonly unknown[],
  worker0: RenderExecutor['render'] = (...args) => encodeOnly.render(...args),
) {
  const starts = [0, 0];
  const fake: Fake = {
    starts,
    render: (url, path, options, job) => {
      const attempt = starts[job.worker!]!++;
      if (job.worker === 0) return worker0(url, path, options, job);
      if (attempt >= errors.length) return encodeOnly.render(url, path, options, job);
      job.onEvent!({ type: 'worker-failed', error: errors[attempt], worker: 1, frame: 12, phase: 'capture' });
      return Promise.reject(errors[attempt]);
    },
  };
  return fake;
}

describe('a worker that is killed from outside, with retries', () => {
  const kinds: [name: string, role: string, kill: (pid: number) => void, words: RegExp][] = [
    ['the browser', 'browser', (pid) => process.kill(pid, 'SIGKILL'), /the browser was ended by SIGKILL/],
    ['the process that draws the page', 'browser', killRenderers, /the page crashed/],
    ['the encoder', 'encoder', (pid) => process.kill(pid, 'SIGKILL'), /ffmpeg was ended by SIGKILL/],
  ];
  let untouched: string | undefined;
  /** The hashes of the frames of a render to which nothing happens. */
  async function untouchedHashes(sandbox: Sandbox): Promise<string> {
    if (untouched === undefined) {
      const frameHashes = join(sandbox.inputs, 'untouched.txt');
      await succeed(sandbox, COUNTER, { frameHashes, concurrency: 1 }, {}, 'untouched.mp4');
      rmSync(join(sandbox.root, 'untouched.mp4'));
      untouched = readFileSync(frameHashes, 'utf8');
    }
    return untouched;
  }

  for (const [name, role, kill, words] of kinds) {
    // What crashes of a browser is told apart in the tests of what fails; it is all the same to a retry.
    const extent = name === 'the process that draws the page' ? LONG : {};
    it(`${name}: the chunk is rendered again, frame by frame the same`, extent, async () => {
      using sandbox = new Sandbox();
      const expected = await untouchedHashes(sandbox);
      const frameHashes = join(sandbox.inputs, 'retried.txt');
      const shares: number[] = [];
      const job = { onEvent: whenDrawn(role, kill), onProgress: (share: number) => void shares.push(share) };
      const options = { retries: 2, frameHashes };
      const { report, events } = await succeed(sandbox, COUNTER, options, job);
      assert.deepEqual(sandbox.files().sort(), ['out.mp4']);
      assert.equal(report.frames, 20);
      assert.equal(readFileSync(frameHashes, 'utf8'), expected);

      const [retry, ...more] = eventsOf(events, 'retry');
      assert.ok(retry && more.length === 0);
      const { worker, attempt, of, error } = retry;
      assert.deepEqual([worker, attempt, of], [1, 1, 2]);
      assert.match((error as Error).message, words);
      const [told] = report.retries;
      assert.equal(report.retries.length, 1);
      assert.deepEqual(told!.error, { name: (error as Error).name, message: (error as Error).message });
      assert.deepEqual([told!.worker, told!.attempt, told!.of, told!.phase], [1, 1, 2, 'capture']);
      assert.ok(told!.frame! >= 10);
      assert.deepEqual(JSON.parse(JSON.stringify(report)), report);

      // Nothing of the first attempt is left when the second begins.
      const before = eventsOf(events.slice(0, events.indexOf(retry)), 'process').filter((event) => event.worker === 1);
      const ended = before.filter(({ state }) => state === 'ended').map(({ pid }) => pid);
      for (const { pid } of before) assert.ok(ended.includes(pid), `${pid} has ended`);

      const states = eventsOf(events, 'worker').filter((event) => event.worker === 1);
      assert.deepEqual(
        states.map(({ state }) => state),
        ['starting', 'rendering', 'retrying', 'starting', 'rendering', 'finished'],
      );
      assert.deepEqual(framesOf(events, 0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'the other one went on');
      assert.deepEqual(framesOf(events, 1).slice(-10), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      assert.deepEqual(
        shares,
        [...shares].sort((a, b) => a - b),
        'progress never falls',
      );
      assert.equal(shares.at(-1), 1);
      assert.deepEqual(
        eventsOf(events, 'state').map(({ state }) => state),
        ['running', 'finishing', 'succeeded'],
      );
    });
  }

  // What follows from an error's class alone is below.
  it('a stall is never retried', LONG, async () => {
    using sandbox = new Sandbox();
    const options = { inputProps: { loopAt: 12 }, deadlines: { capture: 1500 }, retries: 3 };
    const { error, events } = await fail(sandbox, COUNTER, options);
    assert.ok(error instanceof StallError);
    assert.deepEqual(eventsOf(events, 'retry'), []);
  });
});

describe('which failures are retried', () => {
  const position = { worker: 1, phase: 'capture' } as const;
  const retried: unknown[] = [
    crash(),
    new BrowserCrashError('the page crashed', position, 'renderer'),
    encoderEnd('SIGKILL'),
    encoderEnd('SIGTERM'),
    new ToolError('the browser did not start: it was ended by SIGKILL', position, 'SIGKILL'),
  ];
  it('all that came from outside: yes, as often as is allowed', async () => {
    using sandbox = new Sandbox();
    const executor = failing(retried);
    const { report, events } = await succeed(sandbox, 'u', { executor, retries: retried.length });
    assert.deepEqual(executor.starts, [1, retried.length + 1]);
    const told = eventsOf(events, 'retry').map(({ error }) => error);
    assert.ok(
      retried.every((error, at) => told[at] === error),
      'the very errors',
    );
    assert.equal(report.retries.length, retried.length);
  });

  const final: unknown[] = [
    new PageError('Error: x', 'exception', {}, position),
    new AssetError('u', 404, 'Image', position),
    new NavigationError('u', 'gone', position),
    new StallError('it', 5, position),
    new BudgetError('too much', 'memory', 1, 2, position),
    new BrowserCrashError('the page closed itself', position, 'page'),
    new BrowserCrashError('no picture', position, 'picture'),
    new ToolError('not there', position),
    encoderEnd(null),
    new Error('of the executor'),
    'a text',
  ];
  for (const error of final) {
    it(`${String(error)}: no, and it stops the others in its tick`, async () => {
      using sandbox = new Sandbox();
      let abortedInTick: boolean | undefined;
      const executor: RenderExecutor = {
        render: (_url, _path, _options, job) => {
          if (job.worker === 1) {
            job.onEvent!({ type: 'worker-failed', error, worker: 1 });
            abortedInTick = job.signal!.aborted;
          }
          return untilAbort(job);
        },
      };
      const failure = await fail(sandbox, 'u', { executor, retries: 3 });
      assert.equal(failure.error, error);
      assert.equal(abortedInTick, true);
      assert.deepEqual(eventsOf(failure.events, 'retry'), []);
    });
  }
});

describe('retries that cannot hide anything', () => {
  it('the default is none: the first failure stops everything in its tick', async () => {
    using sandbox = new Sandbox();
    const error = crash();
    const executor = failing([error], (_url, _path, _options, job) => untilAbort(job));
    const failure = await fail(sandbox, 'u', { executor });
    assert.equal(failure.error, error);
    assert.deepEqual(executor.starts, [1, 1]);
  });

  it('clause 2: when they are used up the first error comes out, the later ones are suppressed', async () => {
    using sandbox = new Sandbox();
    const errors = [crash('first'), encoderEnd('SIGKILL'), crash('third')];
    const executor = failing(errors, (_url, _path, _options, job) => untilAbort(job));
    const { error, events, receipt } = await fail(sandbox, 'u', { executor, retries: 2 });
    assert.equal(error, errors[0]);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, errors.slice(1));
    assert.deepEqual(executor.starts, [1, 3]);
    assert.deepEqual(
      receipt.retries.map(({ attempt, error: { message } }) => [attempt, message]),
      [
        [1, 'first'],
        [2, errors[1]!.message],
      ],
    );
  });

  it('an error of the page in the second attempt comes out itself, the crash before it is suppressed', async () => {
    using sandbox = new Sandbox();
    const errors = [crash(), new PageError('Error: x', 'exception', {}, { worker: 1 })];
    const executor = failing(errors, (_url, _path, _options, job) => untilAbort(job));
    const { error, events } = await fail(sandbox, 'u', { executor, retries: 5 });
    assert.equal(error, errors[1]);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [errors[0]]);
  });

  it('each chunk has its own', async () => {
    using sandbox = new Sandbox();
    const starts = [0, 0];
    const executor: RenderExecutor = {
      render: (url, path, options, job) => {
        if (starts[job.worker!]!++ < 2) return Promise.reject(crash());
        return encodeOnly.render(url, path, options, job);
      },
    };
    const { report } = await succeed(sandbox, 'u', { executor, retries: 2 });
    assert.deepEqual(starts, [3, 3]);
    assert.equal(report.retries.length, 4);
  });

  it('none after an abort: the reason comes out, the crash is suppressed', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const error = crash();
    let starts = 0;
    const executor: RenderExecutor = {
      render: (_url, _path, _options, job) => {
        starts++;
        if (job.worker === 0) return untilAbort(job);
        job.onEvent!({ type: 'worker-failed', error, worker: 1 });
        // While the worker cleans up.
        controller.abort('enough');
        return Promise.reject(error);
      },
    };
    const failure = await fail(sandbox, 'u', { executor, retries: 3 }, { signal: controller.signal });
    assert.equal(failure.error, 'enough');
    assert.equal(starts, 2);
    assert.deepEqual(eventsOf(failure.events, 'stopped')[0]!.suppressed, [error]);
    assert.deepEqual(eventsOf(failure.events, 'retry'), []);
  });

  it('none when the listener of the retry stops the render', async () => {
    using sandbox = new Sandbox();
    const executor = failing([crash()], (_url, _path, _options, job) => untilAbort(job));
    const thrown = new Error('from the listener');
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'retry') throw thrown;
    };
    const { error } = await fail(sandbox, 'u', { executor, retries: 3 }, { onEvent });
    assert.equal(error, thrown);
    assert.deepEqual(executor.starts, [1, 1]);
  });

  it('none while something of the attempt is left', async () => {
    using sandbox = new Sandbox();
    const error = crash();
    let starts = 0;
    const executor: RenderExecutor = {
      render: (_url, _path, _options, { onEvent }) => {
        starts++;
        onEvent!({ type: 'warning', message: 'left behind', worker: 0, leftover: 'process 5' });
        return Promise.reject(error);
      },
    };
    const render = RenderOrchestrator.render(
      'u',
      sandbox.destination('out.mp4'),
      { ...TWO_WORKERS, concurrency: 1, executor, retries: 3 },
      {},
    );
    await assert.rejects(render, (thrown) => thrown === error);
    assert.equal(starts, 1);
  });

  it('an executor that told of a crash cannot say afterwards that all went well', async () => {
    using sandbox = new Sandbox();
    let starts = 0;
    const executor: RenderExecutor = {
      render: async (url, path, options, job) => {
        if (job.worker === 1 && starts++ === 0) {
          job.onEvent!({ type: 'worker-failed', error: crash(), worker: 1 });
          return;
        }
        await encodeOnly.render(url, path, options, job);
      },
    };
    const { report } = await succeed(sandbox, 'u', { executor, retries: 1 });
    assert.equal(starts, 2);
    assert.equal(report.retries.length, 1);
  });

  it('what an attempt tells after its end is not heard', async () => {
    using sandbox = new Sandbox();
    const late = crash('late');
    let told: RenderJobOptions['onEvent'];
    const executor: RenderExecutor = {
      render: (url, path, options, job) => {
        if (job.worker === 1 && told === undefined) {
          told = job.onEvent;
          return Promise.reject(crash());
        }
        if (job.worker === 1) told!({ type: 'worker-failed', error: late, worker: 1 });
        return encodeOnly.render(url, path, options, job);
      },
    };
    const { events } = await succeed(sandbox, 'u', { executor, retries: 1 });
    assert.ok(!events.some((event) => event.type === 'worker-failed'));
  });

  it('are from 0 to 10', () => {
    const plan = (retries: unknown) => () =>
      RenderOrchestrator.plan('u', 'o.mp4', { ...TWO_WORKERS, retries: retries as number });
    for (const retries of [0, 10]) assert.ok(plan(retries)().chunks.every(({ options }) => !('retries' in options)));
    for (const retries of [-1, 11, 1.5, '1'])
      assert.throws(plan(retries), /retries must be a whole number from 0 to 10/);
  });
});
