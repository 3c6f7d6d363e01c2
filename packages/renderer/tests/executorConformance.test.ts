import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { PNG } from 'pngjs';
import { LocalExecutor } from '../src/executors/LocalExecutor.js';
import { encodeArguments } from '../src/ffmpeg/arguments.js';
import type { RenderExecutor, RendererOptions, RenderJobOptions } from '../src/index.js';
import { abortable, linkAbort } from '../src/lifecycle/abort.js';
import { ManagedProcess } from '../src/lifecycle/ManagedProcess.js';
import { StagedOutput } from '../src/lifecycle/StagedOutput.js';
import { WorkDirectory } from '../src/lifecycle/WorkDirectory.js';
import { parseRendererOptions } from '../src/options/options.js';
import { assertExecutorConforms, checkExecutor, ExecutorConformanceError } from '../src/testing/index.js';
import { greyOf, THROWN } from '../src/testing/testPage.js';
import { LONG } from './support/extent.js';

function picture(frame: number): Buffer {
  const png = new PNG({ width: 160, height: 90 });
  for (let at = 0; at < png.data.length; at += 4) png.data.set([...Array<number>(3).fill(greyOf(frame)), 255], at);
  return PNG.sync.write(png, { deflateLevel: 1 });
}

const encoded = new Map<string, Promise<Buffer>>();

/** The file of a chunk, encoded once for all tests. */
function encode(options: RendererOptions): Promise<Buffer> {
  const { startFrame = 0, frameCount = 0 } = options;
  const key = `${startFrame} ${frameCount}`;
  const made = encoded.get(key) ?? encodeNow(options, startFrame, frameCount);
  encoded.set(key, made);
  return made;
}

async function encodeNow(options: RendererOptions, startFrame: number, frameCount: number): Promise<Buffer> {
  await using directory = await WorkDirectory.create();
  const path = directory.file('chunk.mp4');
  const encoder = ManagedProcess.start('ffmpeg', encodeArguments('png', parseRendererOptions(options, path), path), {
    role: 'encoder',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  encoder.child.stdin!.end(
    Buffer.concat(Array.from({ length: frameCount }, (_, index) => picture(startFrame + index))),
  );
  const { code, stderr } = await encoder.ended;
  assert.equal(code, 0, stderr);
  return readFileSync(path);
}

/** Keeps the contract, and makes the test page's pictures without a browser: quick enough to be broken often. */
const upright: RenderExecutor = {
  async render(_url, path, options, { signal, onProgress, onEvent, worker = 0 }) {
    signal?.throwIfAborted();
    const { startFrame = 0, frameCount = 0, inputProps } = options;
    const file = await (signal ? abortable(encode(options), signal) : encode(options));
    await using output = new StagedOutput(path);
    for (let index = 0; index < frameCount; index++) {
      signal?.throwIfAborted();
      const frame = startFrame + index;
      if (frame === inputProps?.['throwAt']) {
        const error = new Error(`the page threw: ${THROWN}`);
        onEvent?.({ type: 'worker-failed', error, worker, frame });
        throw error;
      }
      onProgress?.((index + 1) / frameCount);
      await turn();
    }
    signal?.throwIfAborted();
    writeFileSync(output.path, file);
    output.commit();
  },
};

type Render = RenderExecutor['render'];

/** The upright executor with `change` in front of it. */
function altered(change: (render: Render, ...args: Parameters<Render>) => ReturnType<Render>): RenderExecutor {
  return { render: (...args) => change((...inner) => upright.render(...inner), ...args) };
}

const withOptions = (change: (options: RendererOptions) => RendererOptions) =>
  altered((render, url, path, options, job) => render(url, path, change(options), job));
const withJob = (change: (job: RenderJobOptions) => RenderJobOptions) =>
  altered((render, url, path, options, job) => render(url, path, options, change(job)));

/** What is done to the rejection of a chunk. */
const onRejection = (act: (error: unknown, path: string, job: RenderJobOptions) => unknown) =>
  altered(async (render, url, path, options, job) => {
    try {
      return await render(url, path, options, job);
    } catch (error) {
      throw await act(error, path, job);
    }
  });

const wasAborted = ({ signal }: RenderJobOptions) => signal?.aborted;
const throws = ({ inputProps = {} }: RendererOptions) => 'throwAt' in inputProps;

/** Refuses every chunk after the first one for which `spoils` is true. */
function spoiled(spoils: (options: RendererOptions, job: RenderJobOptions) => boolean): RenderExecutor {
  let isSpoiled = false;
  return altered(async (render, url, path, options, job) => {
    const startFrame = isSpoiled && !throws(options) ? (options.startFrame ?? 0) + 1 : options.startFrame!;
    try {
      return await render(url, path, { ...options, startFrame }, job);
    } finally {
      isSpoiled = spoils(options, job);
    }
  });
}

/** Each one breaks one property, and the check that must find it. */
const BROKEN: { fault: string; check: string; says: RegExp; make: () => RenderExecutor }[] = [
  {
    fault: 'starts when the signal is aborted already',
    check: 'pre-aborted',
    says: /told \d+ events|wrote|started/,
    make: () =>
      altered(async (render, url, path, options, job) => {
        if (!wasAborted(job)) return render(url, path, options, job);
        writeFileSync(path, 'begun');
        throw job.signal!.reason;
      }),
  },
  {
    fault: 'goes on after an abort',
    check: 'abort-settles',
    says: /mid-way: went on to the end/,
    make: () => withJob((job) => (wasAborted(job) ? job : { ...job, signal: new AbortController().signal })),
  },
  {
    fault: 'never settles after an abort',
    check: 'abort-settles',
    says: /mid-way: did not settle within 2000 ms/,
    make: () =>
      altered(async (render, url, path, options, job) => {
        if (wasAborted(job)) return render(url, path, options, job);
        try {
          return await render(url, path, options, job);
        } catch (error) {
          if (wasAborted(job)) await new Promise(() => {});
          throw error;
        }
      }),
  },
  {
    fault: 'wraps the reason',
    check: 'abort-reason',
    says: /at the first frame: rejected with Error: aborted instead of AbortError/,
    make: () => {
      const before = new WeakSet<AbortSignal>();
      return altered(async (render, url, path, options, job) => {
        if (wasAborted(job)) before.add(job.signal!);
        try {
          return await render(url, path, options, job);
        } catch (error) {
          throw wasAborted(job) && !before.has(job.signal!) ? new Error('aborted', { cause: error }) : error;
        }
      });
    },
  },
  {
    fault: 'leaves half a file',
    check: 'abort-quiet',
    says: /left part_0\.mp4/,
    make: () =>
      onRejection((error, path, job) => {
        if (wasAborted(job) && error !== undefined && !isPreAborted(error)) writeFileSync(path, 'half');
        return error;
      }),
  },
  {
    fault: 'writes after it has settled',
    check: 'abort-quiet',
    says: /wrote after it had settled: late/,
    make: () =>
      onRejection((error, path, job) => {
        const folder = dirname(path);
        const write = () => {
          if (existsSync(folder)) writeFileSync(join(folder, 'late'), 'late');
        };
        if (wasAborted(job)) setTimeout(write, 20);
        return error;
      }),
  },
  {
    fault: 'hides what the page threw',
    check: 'own-error',
    says: /does not name what the page threw .*rendering failed/,
    make: () =>
      altered(async (render, url, path, options, job) => {
        const { onEvent: _told, ...rest } = job;
        if (!throws(options)) return render(url, path, options, job);
        return render(url, path, options, rest).catch(() => Promise.reject(new Error('rendering failed')));
      }),
  },
  {
    fault: 'tells another error than it throws',
    check: 'own-error',
    says: /`worker-failed` carries another object/,
    make: () => onRejection((error, _path, job) => (wasAborted(job) ? error : new Error((error as Error).message))),
  },
  {
    fault: 'is of no use after an abort',
    check: 'reusable-after-abort',
    says: /picture 0 of the file is not frame 5/,
    make: () => spoiled((_options, job) => wasAborted(job) === true),
  },
  {
    fault: 'is of no use after a failure',
    check: 'reusable-after-failure',
    says: /picture 0 of the file is not frame 5/,
    make: () => spoiled((options) => throws(options)),
  },
  {
    fault: 'lets progress fall',
    check: 'progress',
    says: /told the progress/,
    make: () => withJob((job) => ({ ...job, onProgress: (share) => job.onProgress?.(share === 1 ? 0.1 : share) })),
  },
  {
    fault: 'tells things when it has settled',
    check: 'progress',
    says: /told \d+ events after it had settled/,
    make: () =>
      altered(async (render, url, path, options, job) => {
        await render(url, path, options, job);
        setImmediate(() => job.onProgress?.(1));
      }),
  },
  {
    fault: 'leaves its listener',
    check: 'listeners',
    says: /1 listeners were left/,
    make: () =>
      withJob((job) => {
        linkAbort(job.signal, new AbortController());
        return job;
      }),
  },
  {
    fault: 'mixes two chunks up',
    check: 'parallel',
    says: /picture 0 of the file is not frame 4/,
    make: () => {
      let running = 0;
      return altered(async (render, url, path, options, job) => {
        running += 1;
        const isSecond = running > 1 && options.frameCount === 4 && options.startFrame === 4;
        try {
          return await render(url, path, isSecond ? { ...options, startFrame: 0 } : options, job);
        } finally {
          running -= 1;
        }
      });
    },
  },
  {
    fault: 'aborts one chunk with another',
    check: 'parallel-abort',
    says: /rejected with AbortError/,
    make: () => {
      const running = new Set<AbortController>();
      return altered(async (render, url, path, options, job) => {
        const own = new AbortController();
        running.add(own);
        // Every chunk hears of every abort, in its tick.
        const abortAll = () => running.forEach((other) => other.abort(job.signal!.reason));
        if (wasAborted(job)) own.abort(job.signal!.reason);
        else job.signal!.addEventListener('abort', abortAll);
        try {
          return await render(url, path, options, { ...job, signal: own.signal });
        } finally {
          running.delete(own);
          job.signal!.removeEventListener('abort', abortAll);
        }
      });
    },
  },
];

function isPreAborted(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'why' in error && String(error.why).includes('before');
}

/** The upright executor is quick, so that what never comes is known soon. */
const QUICK = { stopMs: 2000, renderMs: 5000, quietMs: 100 };

describe('the conformance of executors', () => {
  it('the executor of this process conforms', LONG, async () => {
    await assertExecutorConforms(() => new LocalExecutor());
  });

  it('an upright executor conforms', async () => {
    const names: string[] = [];
    const { conforms, checks } = await checkExecutor(upright, { ...QUICK, onResult: ({ name }) => names.push(name) });
    assert.deepEqual(
      checks.filter(({ outcome }) => outcome !== 'passed'),
      [],
    );
    assert.ok(conforms);
    assert.deepEqual(names, [...new Set(checks.map(({ name }) => name))]);
  });

  it('an executor that renders the wrong frames does not', LONG, async () => {
    const shifted = withOptions((options) => ({ ...options, startFrame: options.startFrame! + 1 }));
    const short = withOptions((options) => ({ ...options, frameCount: options.frameCount! - 1 }));
    for (const [executor, says] of [
      [shifted, /picture 0 of the file is not frame 5/],
      [short, /3 frames instead of 4/],
    ] as const) {
      const { conforms, checks } = await checkExecutor(executor, QUICK);
      assert.equal(conforms, false);
      assert.match(checks.find(({ name }) => name === 'renders')!.problem!, says);
    }
  });

  for (const [index, { fault, check, says, make }] of BROKEN.entries()) {
    it(`an executor that ${fault} fails ${check} alone`, index % 5 === 0 ? {} : LONG, async () => {
      const { checks } = await checkExecutor(make, QUICK);
      const failed = checks.filter(({ outcome }) => outcome === 'failed');
      assert.deepEqual(
        failed.map(({ name }) => name),
        [check],
        failed.map(({ name, problem }) => `${name}: ${problem}`).join('\n'),
      );
      assert.match(failed[0]!.problem!, says);
    });
  }

  it('the error lists what fails', LONG, async () => {
    const broken = withOptions((options) => ({ ...options, frameCount: options.frameCount! - 1 }));
    await assert.rejects(assertExecutorConforms(broken, QUICK), (error) => {
      assert.ok(error instanceof ExecutorConformanceError);
      assert.match(
        error.message,
        /does not conform \(\d+ of 12 checks\):\n {2}- renders \(failed\): .*\n {6}.*3 frames/,
      );
      return true;
    });
  });
});
