import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ChunkStore, type DistributedRenderOptions, type RenderEvent } from '../src/index.js';
import { LONG } from './support/extent.js';
import { eventsOf, fail, succeed, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';
import { decodedHashes } from './support/video.js';

const sandbox = new Sandbox();
// Outside of the place where a render may leave nothing.
const cache = join(sandbox.inputs, 'cache');
after(() => sandbox[Symbol.dispose]());

const PAGE = `<!doctype html><link rel="stylesheet" href="style.css"><p id="count"></p>
  <script>
    let frame = 0;
    const step = () => { count.textContent = (genlock.props.title ?? '') + frame++; requestAnimationFrame(step); };
    requestAnimationFrame(step);
  </script>`;
const STYLE = 'p { font: 60px sans-serif }';

/** The files of the composition. They are as old as files are that nobody is writing at the moment. */
async function writePage(html = PAGE, style = STYLE): Promise<string> {
  sandbox.page(style, 'style.css');
  const url = sandbox.page(html, 'resumed.html');
  await setTimeout(2);
  return url;
}

const frameHashes = join(sandbox.root, 'resume.hashes');
const OPTIONS = { lossless: true, frameHashes, chunkFrames: 4, keepChunks: true, cacheDirectory: cache } as const;

async function render(url: string, options: Partial<DistributedRenderOptions> = {}) {
  const result = await succeed(sandbox, url, { ...OPTIONS, ...options }, {}, 'resume.mkv');
  const hashes = readFileSync(options.frameHashes ?? frameHashes, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[1]!);
  assert.deepEqual(await decodedHashes(result.path), hashes);
  const drawn = eventsOf(result.events, 'frame').map(({ frame }) => frame);
  return { ...result, hashes, drawn, reused: result.report.chunks.reused };
}

let undisturbed: string[] | undefined;

/** The hashes of the page's frames, of a render that nothing is kept of and nothing stops. */
async function undisturbedHashes(url: string): Promise<string[]> {
  undisturbed ??= (await render(url, { keepChunks: false, concurrency: 1 })).hashes;
  return undisturbed;
}

function chunksIn(events: readonly RenderEvent[], state: string): number[] {
  return eventsOf(events, 'chunk')
    .filter((event) => event.state === state)
    .map(({ chunk }) => chunk)
    .sort((one, other) => one - other);
}

/** Stops a render once so many of its chunks are done. */
async function cancelAfter(url: string, chunks: number, options: Partial<DistributedRenderOptions> = {}) {
  const controller = new AbortController();
  let done = 0;
  const onEvent = (event: RenderEvent) => {
    if (event.type === 'chunk' && event.state === 'done' && ++done === chunks) controller.abort(new Error('enough'));
  };
  return fail(sandbox, url, { ...OPTIONS, ...options }, { signal: controller.signal, onEvent });
}

describe('chunks that are kept', () => {
  beforeEach(() => rmSync(cache, { recursive: true, force: true }));

  it('let a cancelled render go on, with the frames of one that was never stopped', async () => {
    const url = await writePage();
    const hashes = await undisturbedHashes(url);
    assert.deepEqual(await new ChunkStore(cache).list(), []);
    const { events } = await cancelAfter(url, 3);
    const done = chunksIn(events, 'done');
    assert.ok(done.length >= 2 && done.length < 5, done.join());
    const resumed = await render(url);
    assert.deepEqual(resumed.hashes, hashes);
    // Each of the two workers may have been between the end of a chunk and the store.
    assert.ok(resumed.reused >= done.length - 2, `${resumed.reused} of ${done.length}`);
    assert.equal(resumed.drawn.length, 20 - 4 * resumed.reused);
    assert.deepEqual(chunksIn(resumed.events, 'reused').length, resumed.reused);
    assert.equal(resumed.report.seams.audited + resumed.report.seams.continued, 4);

    const again = await render(url);
    assert.deepEqual([again.reused, again.drawn.length], [5, 0]);
    assert.deepEqual(again.hashes, hashes);
    const browsers = eventsOf(again.events, 'process').filter(({ role }) => role === 'browser');
    assert.deepEqual(browsers, [], 'no browser is started for nothing');
  });

  it('are not used once a file of the page, an option or a range is another', LONG, async () => {
    const url = await writePage();
    const { hashes } = await render(url);
    assert.equal((await render(url)).reused, 5);

    await writePage(PAGE, STYLE.replace('60', '61'));
    const larger = await render(url);
    assert.equal(larger.reused, 0);
    assert.notDeepEqual(larger.hashes, hashes);
    await writePage(PAGE.replace('frame++', '2 * frame++'));
    assert.equal((await render(url)).reused, 0);
    await writePage();
    const back = await render(url);
    assert.equal(back.reused, 5, 'what was kept of the first version is right again');
    assert.deepEqual(back.hashes, hashes);
    for (const options of [{ inputProps: { title: 'x' } }, { randomSeed: 1 }, { width: 300 }, { startFrame: 1 }]) {
      assert.equal((await render(url, options)).reused, 0, JSON.stringify(options));
    }
  });

  it('are not kept of a page whose files change while it is rendered', async () => {
    const url = await writePage();
    const controller = new AbortController();
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'frame' && event.frame === 1) sandbox.page(STYLE.replace('60', '70'), 'style.css');
    };
    // One worker, whose page has read the file before: with two, the seam would show the change.
    const options = { ...OPTIONS, concurrency: 1 };
    await succeed(sandbox, url, options, { onEvent, signal: controller.signal }, 'changing.mkv');
    assert.deepEqual(await new ChunkStore(cache).list(), []);
  });

  it('are not kept of a page that hears from its server what never ends, which holds up nobody', async () => {
    await using server = await Server.start(({ url }, response) => {
      if (url !== '/stream') return response.end('<script>new EventSource("/stream"); fetch("/stream")</script>');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return response.write('data: 1\n\n');
    });
    const options = { ...OPTIONS, width: 64, height: 36, concurrency: 1, frameCount: 2 };
    const { report } = await succeed(sandbox, server.url(''), options, {}, 'stream.mkv');
    assert.equal(report.frames, 2);
    assert.deepEqual(await new ChunkStore(cache).list(), []);
  });

  it('are rendered again when they are damaged', LONG, async () => {
    const url = await writePage();
    const { hashes } = await render(url);
    const [kept] = await new ChunkStore(cache).list();
    const file = readdirSync(kept!.path).find((name) => name !== 'chunk.json' && name.startsWith('chunk'))!;
    writeFileSync(join(kept!.path, file), 'not a video');
    const repaired = await render(url);
    assert.equal(repaired.reused, 4);
    assert.deepEqual(repaired.hashes, hashes);
    assert.equal((await render(url)).reused, 5);
  });

  it(
    'are found again when a folder is served at another port, and not when a server answers otherwise',
    LONG,
    async () => {
      const files: Record<string, string> = { 'page.html': PAGE, 'style.css': STYLE };
      {
        await using server = await Server.serve(files);
        assert.equal((await render(server.url('page.html'))).reused, 0);
      }
      await using server = await Server.serve(files);
      assert.equal((await render(server.url('page.html'))).reused, 5);
      files['style.css'] = STYLE.replace('60', '50');
      assert.equal((await render(server.url('page.html'))).reused, 0);
    },
  );

  it('can be listed, and removed by age and by size', async () => {
    const url = await writePage();
    await render(url);
    const store = new ChunkStore(cache);
    const kept = await store.list();
    assert.equal(kept.length, 5);
    assert.deepEqual(
      kept.map(({ startFrame, frameCount }) => [startFrame, frameCount]).sort(([a], [b]) => a! - b!),
      [0, 4, 8, 12, 16].map((start) => [start, 4]),
    );
    assert.ok(kept.every(({ url: of, bytes }) => of === url && bytes > 0));
    assert.deepEqual(await store.prune({ maxAgeMs: 60_000 }), []);
    const most = kept.slice(0, 2).reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal((await store.prune({ maxBytes: most })).length, 3);
    assert.equal((await store.prune({ maxAgeMs: -1 })).length, 2);
    assert.deepEqual(await store.list(), []);
  });
});

describe('the finished part of a stopped render', () => {
  it('is a video of the first frames under its own name', async () => {
    const url = await writePage();
    const hashes = await undisturbedHashes(url);
    const partialOutput = join(sandbox.inputs, 'part.mp4');
    const { events, error } = await cancelAfter(url, 3, { keepChunks: false, concurrency: 1, partialOutput });
    assert.equal((error as Error).message, 'enough');
    const [partial] = eventsOf(events, 'partial');
    assert.deepEqual(partial, { type: 'partial', path: partialOutput, frames: 12 });
    assert.deepEqual(await decodedHashes(partialOutput), hashes.slice(0, 12));
  });

  it('is nothing when the first chunk is not finished', async () => {
    const url = await writePage();
    const partialOutput = join(sandbox.inputs, 'none.mp4');
    const controller = new AbortController();
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'frame') controller.abort();
    };
    const options = { ...OPTIONS, ...TWO_WORKERS, keepChunks: false, partialOutput };
    const { events } = await fail(sandbox, url, options, { signal: controller.signal, onEvent });
    assert.deepEqual(eventsOf(events, 'partial'), []);
    assert.ok(!readdirSync(sandbox.inputs).includes('none.mp4'));
  });
});
