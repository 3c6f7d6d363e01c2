import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  ChunkStore,
  RenderOrchestrator,
  type RenderEvent,
  type RenderExecutor,
  type RenderJobOptions,
  type ToolVersions,
} from '../src/index.js';
import { chunkKey } from '../src/store/chunkKey.js';
import { untilAborted } from './support/untilAborted.js';
import { ReadOnlyFolder } from './support/ReadOnlyFolder.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

// Outside of the place where a render may leave nothing.
const cache = join(sandbox.inputs, 'cache');
const chunk = join(sandbox.inputs, 'chunk.mkv');
const VERSIONS = { genlock: '1', browser: 'far 1', webgl: '', encoder: 'away 1', processor: 'z' };
const OPTIONS = {
  width: 64,
  height: 36,
  fps: 30,
  frameCount: 4,
  concurrency: 1,
  keepChunks: true,
  cacheDirectory: cache,
};
let page: string;

before(async () => {
  page = sandbox.page('<p>never opened');
  const source = ['-f', 'lavfi', '-i', 'color=red:size=64x36:rate=30', '-frames:v', '4', '-c:v', 'libx264'];
  execFileSync('ffmpeg', ['-loglevel', 'error', ...source, chunk]);
  await setTimeout(2);
});

/** An executor whose workers are elsewhere, as far as this machine can tell. It counts what they render. */
function remote(versions: RenderExecutor['versions'] | undefined, told: object = { urls: [page], repeatable: true }) {
  const executor = {
    rendered: 0,
    render(_url: string, path: string, _options: unknown, { onEvent, worker = 0 }: RenderJobOptions) {
      executor.rendered++;
      onEvent?.({ type: 'files', worker, ...told } as RenderEvent);
      copyFileSync(chunk, path);
      return Promise.resolve();
    },
    ...(versions ? { versions } : {}),
  };
  return executor;
}

/** What a render did: how many chunks it rendered, and its warnings. */
async function outcome(executor: ReturnType<typeof remote>, options: object = {}, url = page) {
  const already = executor.rendered;
  const { events, report } = await succeed(sandbox, url, { ...OPTIONS, ...options, executor }, {}, 'out.mkv');
  const started = eventsOf(events, 'process').map(({ role }) => role);
  assert.ok(!started.includes('browser') && !started.includes('ffmpeg'), started.join());
  const rendered = executor.rendered - already;
  assert.equal(report.chunks.reused, 1 - rendered);
  return { rendered, warnings: eventsOf(events, 'warning').map(({ message }) => message) };
}

describe('chunks that are kept of an executor of its own', () => {
  beforeEach(() => rmSync(cache, { recursive: true, force: true }));

  it('need no browser here, and are found by what the workers say that they are', async () => {
    const noBrowser = { browserConfig: { executablePath: '/there/is/none' } };
    const executor = remote(() => VERSIONS);
    assert.deepEqual(await outcome(executor, noBrowser), { rendered: 1, warnings: [] });
    assert.deepEqual(await outcome(executor, noBrowser), { rendered: 0, warnings: [] });
    const other = remote(() => Promise.resolve({ ...VERSIONS, encoder: 'away 2' }));
    assert.deepEqual(await outcome(other, noBrowser), { rendered: 1, warnings: [] });
  });

  it('have another name for each thing that is another in a worker, and none for their order', () => {
    const { chunks } = RenderOrchestrator.plan(page, 'out.mkv', OPTIONS);
    const key = (versions: ToolVersions) => chunkKey(page, chunks[0]!, versions);
    const others = Object.keys(VERSIONS).map((name) => key({ ...VERSIONS, [name]: 'another' }));
    assert.equal(new Set([key(VERSIONS), ...others]).size, 1 + others.length);
    const turned = Object.fromEntries(Object.entries(VERSIONS).reverse()) as unknown as ToolVersions;
    assert.equal(key(turned), key(VERSIONS));
  });

  const silent: [string, RenderExecutor['versions'] | undefined, RegExp][] = [
    ['says nothing', undefined, /does not report the versions of its workers \(`versions`\)/],
    ['says nonsense', () => ({ browser: 5 }) as never, /must return an object whose values are strings/],
    ['throws', () => assert.fail('no idea'), /no idea/],
    ['rejects', () => Promise.reject(new Error('not now')), /not now/],
    ['never answers', () => new Promise(() => {}), /no progress for 50 ms while waiting for the executor/],
  ];
  for (const [name, versions, says] of silent) {
    it(`are none, with a warning, when it ${name}`, async () => {
      const executor = remote(versions);
      const deadlines = { launch: 50, stop: 50 };
      const { rendered, warnings } = await outcome(executor, { deadlines });
      assert.equal(rendered, 1);
      assert.equal(warnings.length, 1, warnings.join('; '));
      assert.match(warnings[0]!, /^chunks can neither be found nor kept: /);
      assert.match(warnings[0]!, says);
      assert.deepEqual(await new ChunkStore(cache).list(), []);
    });
  }

  it('are none when it does not pass on which files its workers have read', async () => {
    for (const told of [{ repeatable: true }, { urls: [], repeatable: true }, { urls: [page] }]) {
      await outcome(remote(() => VERSIONS, told));
      assert.deepEqual(await new ChunkStore(cache).list(), [], JSON.stringify(told));
    }
  });

  it('do not hold up an abort while it is asked', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const executor = remote((_options, { signal }) => {
      queueMicrotask(() => controller.abort(reason));
      return untilAborted(signal!);
    });
    const { error } = await fail(sandbox, page, { ...OPTIONS, executor }, { signal: controller.signal });
    assert.equal(error, reason);
    assert.equal(executor.rendered, 0);
  });
});

describe('a store of chunks that is of no use', () => {
  beforeEach(() => rmSync(cache, { recursive: true, force: true }));

  const rendersAnyway = async (cacheDirectory: string, says: RegExp) => {
    const { rendered, warnings } = await outcome(
      remote(() => VERSIONS),
      { cacheDirectory },
    );
    assert.equal(rendered, 1);
    assert.equal(warnings.length, 1, warnings.join('; '));
    assert.match(warnings[0]!, says);
  };

  it('is a warning: a file', () => rendersAnyway(chunk, /^chunks cannot be kept: ENOTDIR/));

  it('is a warning: in /proc', () => rendersAnyway('/proc/genlock', /^chunks cannot be kept: ENOENT/));

  it('is a warning: a name that is too long', () => rendersAnyway(`/tmp/${'x'.repeat(300)}`, /ENAMETOOLONG/));

  it('is a warning: a file in the place of its folder', async () => {
    mkdirSync(cache);
    writeFileSync(join(cache, 'chunks'), 'mine');
    await rendersAnyway(cache, /^chunks cannot be kept: E/);
    assert.equal(readFileSync(join(cache, 'chunks'), 'utf8'), 'mine');
  });

  it('is a warning: for reading alone; what is there is used', async (test) => {
    mkdirSync(cache);
    {
      using readOnly = ReadOnlyFolder.mount(cache);
      if (!readOnly) {
        test.skip('needs root');
        return;
      }
      await rendersAnyway(cache, /^chunks cannot be kept: EROFS/);
    }
    const executor = remote(() => VERSIONS);
    await outcome(executor);
    using _readOnly = ReadOnlyFolder.mount(cache);
    assert.deepEqual(await outcome(executor), { rendered: 0, warnings: [] });
  });

  it('is filled again where it is damaged', async () => {
    const executor = remote(() => VERSIONS);
    await outcome(executor);
    const [kept] = await new ChunkStore(cache).list();
    writeFileSync(join(kept!.path, 'chunk.json'), '{}');
    assert.deepEqual(await outcome(executor), { rendered: 1, warnings: [] });
    assert.deepEqual(await outcome(executor), { rendered: 0, warnings: [] });
    assert.equal(readdirSync(join(cache, 'chunks')).length, 1);
  });
});
