import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  BrowserPool,
  OptionsError,
  RenderOrchestrator,
  Renderer,
  renderStill,
  type DistributedRenderOptions,
  type RenderEvent,
} from '../src/index.js';
import { LONG } from './support/extent.js';
import { PoolWatch } from './support/PoolWatch.js';
import { allProcesses, membersOf } from './support/processes.js';
import { eventsOf, succeed, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;
const COUNTER = page('counter');
const ONE = { concurrency: 1, frameCount: 3 };
/** Longer than any test takes. */
const LONG_IDLE = { idleMs: 600_000 };

const sorted = (pids: readonly number[]) => pids.toSorted((a, b) => a - b);

describe('a pool of browsers', () => {
  it('gives the second render the browsers of the first, and is one for all kinds of renders', async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool({ ...LONG_IDLE, size: 4 });
    const watch = new PoolWatch(sandbox, pool);
    const first = await watch.render(COUNTER);
    assert.equal(first.browsers.started.length, 2);
    const both = sorted(first.browsers.started);
    assert.deepEqual(sorted(first.browsers.returned), both);
    assert.equal(pool.idle, 2);

    const second = await watch.render(COUNTER);
    assert.deepEqual(second.browsers.started, []);
    assert.deepEqual(sorted(second.browsers.borrowed), both);
    assert.deepEqual(sorted(second.browsers.returned), both);
    assert.deepEqual(second.browsers.ended, []);

    const seen: (string | undefined)[] = [];
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'process' && event.role === 'browser') seen.push(event.state);
      watch.watch(event);
    };
    const { concurrency: _, ...options } = TWO_WORKERS;
    await new Renderer({ ...options, frameCount: 2 }).render(COUNTER, join(sandbox.root, 'a.mp4'), {
      browsers: pool,
      onEvent,
    });
    const still = { width: 160, height: 90, fps: 30, frame: 3, hardening: TWO_WORKERS.hardening ?? true };
    await renderStill(COUNTER, join(sandbox.root, 'a.png'), still, { browsers: pool, onEvent });
    assert.deepEqual(seen, ['borrowed', 'returned', 'borrowed', 'returned']);
    watch.assertOnlyIdle();
  });

  it('draws the frames of a new browser, whatever its browsers have drawn before', LONG, async () => {
    using sandbox = new Sandbox();
    const plain = { browserConfig: { beginFrameControl: false } };
    const ways: [string, Partial<DistributedRenderOptions>][] = [
      ['cards', { mode: 'screenshot', lossless: true }],
      ['cards', { mode: 'screenshot', lossless: true, ...plain }],
      ['simulation', { mode: 'compositor', lossless: true }],
      ['webgl', { mode: 'screenshot', lossless: true }],
      // Encoded in the browser: the whole file is compared.
      ['simulation', {}],
    ];
    type Render = (url: string, options: object, job: object, name: string) => Promise<{ path: string }>;
    const drawn = async (render: Render) => {
      const results: string[] = [];
      for (const [name, way] of ways) {
        const hashes = way.lossless ? { frameHashes: join(sandbox.root, 'frames.hashes') } : undefined;
        const options = { frameCount: 8, ...way, ...hashes };
        const { path } = await render(page(name), options, {}, hashes ? 'out.mkv' : 'out.mp4');
        results.push(readFileSync(hashes?.frameHashes ?? path, 'latin1'));
      }
      return results;
    };
    const cold = await drawn((...parameters) => succeed(sandbox, ...parameters));
    await using pool = new BrowserPool({ ...LONG_IDLE, size: 6 });
    const watch = new PoolWatch(sandbox, pool);
    for (const way of [{}, plain]) await watch.render(COUNTER, way);
    // It may have a driver of its own.
    await watch.render(page('webgl'));
    const warm = await drawn(async (...parameters) => {
      const { browsers, path } = await watch.render(...parameters);
      assert.deepEqual(browsers.started, []);
      return { path };
    });
    for (const [index, way] of ways.entries()) assert.ok(warm[index] === cold[index], `${JSON.stringify(way)} differs`);
  });

  it('shows a page nothing of the pages before it', async () => {
    using sandbox = new Sandbox();
    let fetched = 0;
    const script = `
      const found = [document.cookie, localStorage.mark, sessionStorage.mark, window.name].filter(Boolean);
      const look = async () => {
        found.push(...(await caches.keys()), ...(await indexedDB.databases()).map(({ name }) => name));
        found.push(...(await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope));
        if (found.length > 0) throw new Error('there was already: ' + found);
        document.cookie = 'mark=1; max-age=3600';
        localStorage.mark = sessionStorage.mark = window.name = 'mark';
        await (await caches.open('mark')).put('/mark', new Response('mark'));
        await new Promise((resolve) => { indexedDB.open('mark').onsuccess = resolve; });
        await navigator.serviceWorker.register('/worker.js');
        const seen = [new Date(), performance.now(), Math.random(), navigator.language, devicePixelRatio];
        document.body.textContent = [...seen, innerWidth, history.length].join(' ');
      };
      genlock.waitUntil(look());
      // What a page says or throws when it goes is nobody's failure.
      addEventListener('pagehide', () => { console.log('goes'); throw new Error('gone'); });`;
    await using server = await Server.start(({ url }, response) => {
      if (url === '/cached.css') fetched++;
      const type = url === '/' ? 'text/html' : url === '/worker.js' ? 'text/javascript' : 'text/css';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' });
      response.end(url === '/' ? `<link rel="stylesheet" href="/cached.css"><body><script>${script}</script>` : '');
    });
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const frameHashes = join(sandbox.root, 'frames.hashes');
    const hashes: string[] = [];
    for (let round = 1; round <= 3; round++) {
      const { events } = await watch.render(server.url(''), { ...ONE, lossless: true, frameHashes });
      assert.equal(fetched, round, 'the file was read again');
      assert.deepEqual(eventsOf(events, 'page-console'), []);
      hashes.push(readFileSync(frameHashes, 'utf8'));
    }
    assert.equal(pool.idle, 1);
    assert.equal(new Set(hashes).size, 1);
  });

  it('gives a browser only to renders that would start the same', LONG, async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool({ ...LONG_IDLE, size: 8 });
    const watch = new PoolWatch(sandbox, pool);
    const kinds: Partial<DistributedRenderOptions>[] = [
      {},
      { scale: 2 },
      { locale: 'de' },
      { browserConfig: { beginFrameControl: false } },
    ];
    for (const expected of ['started', 'borrowed'] as const) {
      for (const kind of kinds) {
        const { browsers } = await watch.render(COUNTER, { ...ONE, ...kind });
        assert.equal(browsers[expected].length, 1, JSON.stringify(kind));
      }
    }
    assert.equal(pool.idle, kinds.length);
  });

  it('has a browser end after so many pages, in the render that has the last of them', LONG, async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool({ ...LONG_IDLE, pagesPerBrowser: 2 });
    const watch = new PoolWatch(sandbox, pool);
    const first = await watch.render(COUNTER, ONE);
    const second = await watch.render(COUNTER, ONE);
    assert.deepEqual(second.browsers.borrowed, first.browsers.started);
    assert.deepEqual(second.browsers.ended, first.browsers.started);
    assert.equal((await watch.render(COUNTER, ONE)).browsers.started.length, 1);
  });

  it('ends the browser that has waited longest for one more than its size', LONG, async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool({ ...LONG_IDLE, size: 1 });
    const watch = new PoolWatch(sandbox, pool);
    const first = await watch.render(COUNTER, ONE);
    const onEvent = watch.watch;
    const options = { ...TWO_WORKERS, ...ONE, scale: 2 };
    await RenderOrchestrator.render(COUNTER, join(sandbox.root, 'out.mkv'), options, { browsers: pool, onEvent });
    assert.equal(pool.idle, 1);
    while (membersOf(new Set(first.browsers.started), allProcesses()).length > 0) await new Promise(setImmediate);
    const next = await watch.render(COUNTER, { ...ONE, scale: 2 });
    assert.equal(next.browsers.borrowed.length, 1);
  });

  it('names every fault of its options', () => {
    assert.throws(
      () => new BrowserPool({ size: 0, idleMs: 1.5, more: 1 } as never),
      (error) => error instanceof OptionsError && error.problems.length === 3,
    );
  });
});
