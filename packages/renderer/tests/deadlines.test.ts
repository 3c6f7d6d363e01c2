import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  BudgetError,
  OptionsError,
  RenderOrchestrator,
  StallError,
  TeardownError,
  stopReceiptOf,
  type DistributedRenderOptions,
  type RenderEvent,
  type RenderExecutor,
  type RenderPosition,
} from '../src/index.js';
import { DEADLINES } from '../src/options/schema.js';
import { never } from '../src/lifecycle/abort.js';
import { encodeOnly } from './support/encodeOnly.js';
import { LONG } from './support/extent.js';
import { TWO_WORKERS, eventsOf, fail } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
/** Long enough for what does not stall, on a busy machine. */
const DEADLINE = 3000;

interface Stall {
  options: (sandbox: Sandbox) => Partial<DistributedRenderOptions>;
  position: RenderPosition;
  waitingFor: RegExp;
}

/** A tool that never ends when its arguments match a shell pattern, and works otherwise. */
function stuckTool(sandbox: Sandbox, tool: string, pattern: string): string {
  return sandbox.script(tool, `case "$*" in ${pattern}) exec sleep 1000;; esac`, `exec ${tool} "$@"`);
}

/** What failures.test.ts does not have: load, seek, capture, encode and drain are there. */
const STALLS: Readonly<Record<string, Stall>> = {
  'launch: a browser that does not answer': {
    options: (sandbox) => ({
      browserConfig: { executablePath: sandbox.script('browser', 'exec sleep 1000') },
      deadlines: { launch: 200 },
      concurrency: 1,
    }),
    position: { phase: 'launch', worker: 0 },
    waitingFor: /the browser to answer/,
  },
  'verify: a worker cannot read its chunk back': {
    options: (sandbox) => ({
      ffprobePath: stuckTool(sandbox, 'ffprobe', '*part_1.mp4.part-*'),
      frameCount: 4,
      deadlines: { verify: DEADLINE },
    }),
    position: { phase: 'verify', worker: 1, frame: 3 },
    waitingFor: /ffprobe to count the frames/,
  },
  'verify: a chunk cannot be read back': {
    options: (sandbox) => ({
      executor: encodeOnly,
      ffprobePath: stuckTool(sandbox, 'ffprobe', '*part_1.mp4'),
      deadlines: { verify: DEADLINE },
    }),
    position: { phase: 'verify', worker: 1 },
    waitingFor: /ffprobe to count the frames/,
  },
  'verify: the whole cannot be read back': {
    options: (sandbox) => ({
      executor: encodeOnly,
      ffprobePath: stuckTool(sandbox, 'ffprobe', '*out.mp4.part-*'),
      deadlines: { verify: DEADLINE },
    }),
    position: { phase: 'verify' },
    waitingFor: /ffprobe to count the frames/,
  },
  'concat: the join does not end': {
    options: (sandbox) => ({
      executor: encodeOnly,
      ffmpegPath: stuckTool(sandbox, 'ffmpeg', '*ffconcat*'),
      deadlines: { concat: 200 },
    }),
    position: { phase: 'concat' },
    waitingFor: /ffmpeg to join the chunks/,
  },
};

describe('clause 12: a stall is a failure that names phase, worker, frame and what was waited for', () => {
  for (const [name, { options, position, waitingFor }] of Object.entries(STALLS)) {
    // The whole is read back as a chunk is.
    const extent = position.phase === 'verify' && position.worker === undefined ? LONG : {};
    it(name, extent, async () => {
      using sandbox = new Sandbox();
      const { error, receipt } = await fail(sandbox, COUNTER, options(sandbox));
      assert.ok(error instanceof StallError, String(error));
      assert.deepEqual({ ...error.position }, position);
      assert.match(error.waitingFor, waitingFor);
      assert.ok(error.message.includes(`(${position.phase}): no progress for ${error.deadlineMs} ms`), error.message);
      assert.equal(receipt.reason, 'stall');
      assert.deepEqual(receipt.first, position);
    });
  }

  it('one chunk that cannot be read back stops the reading of the others', async () => {
    using sandbox = new Sandbox();
    // Were they only waited for, the stuck one would end the render after its long deadline.
    const ffprobePath = sandbox.script(
      'ffprobe',
      'case "$*" in *part_0.mp4) exec sleep 1000;; *part_1.mp4) exit 3;; esac',
      'exec ffprobe "$@"',
    );
    const { error, receipt } = await fail(sandbox, COUNTER, { executor: encodeOnly, ffprobePath });
    assert.match((error as Error).message, /worker 1 \(verify\): cannot read the encoded video back/);
    assert.deepEqual(
      receipt.processes.map(({ role, how, phase }) => [role, how, phase]),
      [['probe', 'SIGKILL', 'verify']],
    );
  });

  it('a custom executor that stalls: the time of the whole render says where', async () => {
    using sandbox = new Sandbox();
    const executor: RenderExecutor = {
      render: (_url, _path, { startFrame }, { signal, onEvent, onProgress, worker }) => {
        onEvent!({ type: 'phase', phase: 'capture', worker: worker! });
        onEvent!({ type: 'frame', frame: startFrame!, worker: worker!, rendered: 1, total: 10 });
        onProgress!(0.1);
        return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
      },
    };
    const { error, receipt } = await fail(sandbox, COUNTER, { executor, timeoutMs: 1000 });
    assert.ok(error instanceof BudgetError, String(error));
    assert.match(error.message, /2 of 20 frames are rendered; worker 0, frame 0 \(capture\); worker 1, frame 10/);
    assert.equal(receipt.reason, 'deadline');
  });
});

describe('clause 7 and 8: the stop is bounded', () => {
  it('an executor that does not stop is named as left over; it is not heard any more', async () => {
    using sandbox = new Sandbox();
    const cause = new Error('the cause');
    const events: RenderEvent[] = [];
    let talk = () => {};
    const executor: RenderExecutor = {
      render: (_url, _path, _options, { worker, onEvent, onProgress }) => {
        if (worker === 0) return Promise.reject(cause);
        talk = () => {
          onEvent!({ type: 'frame', frame: 19, worker: 1, rendered: 10, total: 10 });
          onEvent!({ type: 'worker-failed', error: new Error('late'), worker: 1 });
          onProgress!(1);
        };
        return never();
      },
    };
    const shares: number[] = [];
    const options = { ...TWO_WORKERS, executor, deadlines: { stop: 50 } };
    const job = { onEvent: (event: RenderEvent) => void events.push(event), onProgress: (n: number) => shares.push(n) };
    const destination = sandbox.destination('out.mp4');
    const [outcome] = await Promise.allSettled([RenderOrchestrator.render('u', destination, options, job)]);
    assert.equal((outcome as PromiseRejectedResult).reason, cause);
    sandbox.assertNothingLeft(destination);
    assert.deepEqual(stopReceiptOf(cause)!.leftovers, ['worker 1, which does not stop']);
    const { suppressed } = eventsOf(events, 'stopped')[0]!;
    assert.ok(suppressed[0] instanceof TeardownError);
    assert.deepEqual(suppressed[0].survivors, ['worker 1, which does not stop']);

    const told = events.length;
    talk();
    assert.equal(events.length, told);
    assert.deepEqual(shares, []);
  });
});

describe('the options of the deadlines', () => {
  it('are one for each phase that waits, and one for the stop', () => {
    assert.deepEqual(
      [...DEADLINES],
      ['launch', 'load', 'seek', 'capture', 'encode', 'drain', 'verify', 'concat', 'stop'],
    );
  });

  it('are whole milliseconds up to a day', () => {
    const plan = (options: object) => () => RenderOrchestrator.plan('u', 'o.mp4', { ...TWO_WORKERS, ...options });
    for (const name of DEADLINES) plan({ deadlines: { [name]: 86_400_000 } })();
    for (const value of [0, -1, 1.5, 86_400_001, Infinity, NaN, '5', null]) {
      assert.throws(plan({ deadlines: { drain: value } }), /deadlines\.drain must be a whole number of milliseconds/);
      assert.throws(plan({ timeoutMs: value }), /timeoutMs must be a whole number of milliseconds/);
    }
    assert.throws(plan({ deadlines: { mix: 5 } }), (error) => {
      return error instanceof OptionsError && error.problems[0] === 'deadlines.mix is not an option';
    });
  });
});
