import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FrameServer } from '../src/capture/FrameServer.js';
import { BrowserPool, RenderOrchestrator, type RenderEvent, type RenderJobOptions } from '../src/index.js';
import { held } from './support/leaks.js';
import { eventsOf, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const post = async (url: string, body?: Buffer) => {
  const { ok } = await fetch(url, { method: 'POST', ...(body ? { body: new Uint8Array(body) } : {}) });
  return ok;
};

/** The files of a profile that this process has open, as `held` describes them. */
const openFiles = (profile: string) =>
  held().filter((line) => line.startsWith('descriptor of ') && line.includes(profile));

/** A server, and a profile with files of which none is the worker's. */
async function start(sandbox: Sandbox) {
  const profile = join(sandbox.root, 'profile');
  const path = join(profile, 'storage', '00', '0001');
  mkdirSync(dirname(path), { recursive: true });
  const server = await FrameServer.open(profile, 1250);
  writeFileSync(join(profile, 'empty'), '');
  writeFileSync(join(profile, 'log'), `${server.mark} was asked`);
  writeFileSync(join(profile, 'part'), server.mark.slice(0, -1));
  return { server, profile, path };
}

const pixels = (value: number) => Buffer.alloc(5000, value);

describe('the server for frames', () => {
  it('finds the file that begins with its mark, and takes pixels from there', async () => {
    using sandbox = new Sandbox();
    const { server, profile, path } = await start(sandbox);
    assert.ok(!server.url.includes(server.mark), 'the file says nothing about the address');
    assert.equal(await post(`${server.url}/file`), false, 'no file is the one');
    writeFileSync(path, server.mark);
    assert.equal(await post(`${server.url}/file`), true);
    assert.deepEqual(openFiles(profile), [`descriptor of ${path}`]);

    const all: Buffer[] = [];
    for (const frame of [1, 2, 3, 4]) {
      writeFileSync(path, pixels(frame));
      const data = await server.read(5000);
      assert.deepEqual(data, pixels(frame));
      all.push(data);
    }
    assert.equal(all[3], all[0], 'the memory of the third frame before is used again');
    assert.equal(new Set(all).size, 3);

    await server[Symbol.asyncDispose]();
    assert.deepEqual(openFiles(profile), []);
  });

  it('fails to read what the file does not have, and takes bodies', async () => {
    using sandbox = new Sandbox();
    const { server, path } = await start(sandbox);
    await using _server = server;
    await assert.rejects(server.read(5000), /no 5000 bytes of a frame/);
    writeFileSync(path, server.mark);
    await post(`${server.url}/file`);
    await assert.rejects(server.read(5000), /no 5000 bytes of a frame/);
    const data = server.expect(1);
    assert.equal(await post(`${server.url}/1`, pixels(1)), true);
    assert.deepEqual(Buffer.concat(await data), pixels(1));
  });

  it('has nothing for those who do not know its token', async () => {
    using sandbox = new Sandbox();
    const { server, path } = await start(sandbox);
    await using _server = server;
    const wrong = server.url.replace(/[^/]+$/, 'guess');
    writeFileSync(path, server.mark);
    server.picture = Buffer.from('secret');
    const { status } = await fetch(`${wrong}/picture`);
    assert.equal(status, 404);
    assert.equal(await post(`${wrong}/file`), false);
    assert.equal(await post(`${wrong}/1`, pixels(1)), false);
    // They are answered before they have said all.
    const knocking = request(`${wrong}/1`, { method: 'POST' });
    knocking.write(pixels(1));
    const [answer] = (await once(knocking, 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 404);
    knocking.destroy();
  });

  it('takes in what is expected, once, and no more than a frame can have', async () => {
    using sandbox = new Sandbox();
    const { server } = await start(sandbox);
    await using _server = server;
    // Whoever sends on and on is cut off, whether it was expected or not.
    const flood = async (path: string) => {
      const sending = request(`${server.url}/${path}`, { method: 'POST' });
      const closed = new Promise((resolve) => sending.once('close', resolve));
      sending.on('error', () => {}).on('response', (response) => response.resume());
      const part = Buffer.alloc(64 * 1024);
      const send = () => {
        if (!sending.destroyed) sending.write(part, send);
      };
      send();
      await closed;
      assert.equal(server.bytes, 0, 'nothing of it is held');
    };
    for (const path of ['7', 'file', 'ready', 'x', 'picture']) await flood(path);
    const data = assert.rejects(server.expect(1), /sends more than the 70536 bytes that a frame can have/);
    await flood('1');
    await data;

    const expected = server.expect(2);
    assert.equal(await post(`${server.url}/2`, pixels(2)), true);
    assert.equal(await post(`${server.url}/2`, pixels(3)), false, 'a second one is not wanted');
    assert.equal(await post(`${server.url}/3`, pixels(3)), false);
    assert.deepEqual(Buffer.concat(await expected), pixels(2));
    server.expectNot(4);
    assert.equal(await post(`${server.url}/ready`), true);
  });
});

describe('a service worker of the page', () => {
  it('sees nothing of our worker, and cannot find its address', async () => {
    using sandbox = new Sandbox();
    const told: string[] = [];
    const script = `
      const tell = (what) => fetch('/told?' + encodeURIComponent(what), { method: 'POST' });
      addEventListener('install', () => skipWaiting());
      addEventListener('activate', (event) => event.waitUntil(clients.claim()));
      addEventListener('message', ({ data }) => tell(data));
      addEventListener('fetch', (event) => {
        event.respondWith(tell('asked for ' + event.request.url).then(() => fetch(event.request)));
      });`;
    const page = `<!doctype html><body style="background: teal"><script>
      const look = async () => {
        for (const name of await navigator.storageBuckets.keys()) {
          const bucket = await navigator.storageBuckets.open(name);
          for await (const [file] of (await bucket.getDirectory()).entries()) {
            navigator.serviceWorker.controller.postMessage('found ' + file);
          }
        }
      };
      genlock.waitUntil((async () => {
        const claimed = new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
        await navigator.serviceWorker.register('/sw.js');
        await claimed;
        await (await fetch('/own')).text();
      })());
      let frames = 0;
      requestAnimationFrame(function step() {
        document.body.style.opacity = 1 - frames / 100;
        if (++frames === 3) genlock.waitUntil(look());
        requestAnimationFrame(step);
      });
    </script>`;
    await using server = await Server.start(({ url = '' }, response) => {
      if (url.startsWith('/told?')) told.push(decodeURIComponent(url.slice('/told?'.length)));
      response.setHeader('content-type', url === '/sw.js' ? 'text/javascript' : 'text/html');
      response.end(url === '/' ? page : url === '/sw.js' ? script : '');
    });
    const events: RenderEvent[] = [];
    const options = {
      ...TWO_WORKERS,
      width: 64,
      height: 36,
      frameCount: 6,
      concurrency: 1,
      mode: 'compositor',
    } as const;
    await using browsers = new BrowserPool({ size: 1 });
    // By the file of a profile, and by requests where there is none.
    for (const job of [{}, { browsers }]) {
      await RenderOrchestrator.render(server.url(''), join(sandbox.root, 'out.mp4'), options, {
        ...job,
        onEvent: (event) => events.push(event),
      });
    }
    assert.equal(eventsOf(events, 'capture').filter(({ mode }) => mode === 'compositor').length, 2);
    assert.ok(told.includes(`asked for ${server.url('own')}`), told.join('\n'));
    assert.deepEqual(
      told.filter((line) => line.startsWith('asked for') && !line.includes(server.url(''))),
      [],
    );
    const files = told.filter((line) => line.startsWith('found '));
    assert.ok(files.length > 0);
    assert.ok(files.every((line) => /^found [-0-9a-f]{36}$/.test(line)));
  });
});

describe('planes of the compositor', () => {
  it('come by a file, or without one from the profile of a pool, which has none, and are the same', async () => {
    using sandbox = new Sandbox();
    const page = pathToFileURL(join(import.meta.dirname, 'pages', 'cards.html')).href;
    const render = async (job: RenderJobOptions) => {
      const frameHashes = join(sandbox.root, 'frames.hashes');
      let open = 0;
      const onEvent = (event: RenderEvent) => {
        if (event.type === 'frame' && event.rendered === event.total) open = openFiles('/profile/').length;
      };
      const options = { ...TWO_WORKERS, mode: 'compositor', frameHashes, frameCount: 8, concurrency: 1 } as const;
      await RenderOrchestrator.render(page, join(sandbox.root, 'out.mp4'), options, { ...job, onEvent });
      return { hashes: readFileSync(frameHashes, 'utf8'), open };
    };
    const byFile = await render({});
    assert.equal(byFile.open, 1);
    await using browsers = new BrowserPool({ idleMs: 600_000, size: 1 });
    const byBody = await render({ browsers });
    assert.equal(byBody.open, 0);
    assert.equal(byBody.hashes, byFile.hashes);
    assert.deepEqual(openFiles('/profile/'), []);
  });

  it('are not mixed up while the encoder takes none, however small they are', async () => {
    using sandbox = new Sandbox();
    const page = pathToFileURL(join(import.meta.dirname, 'pages', 'counter.html')).href;
    const render = async (more: { ffmpegPath?: string }) => {
      const frameHashes = join(sandbox.root, 'frames.hashes');
      // Many of them fit into what lies between two processes, and many more into a stream of Node.
      const small = { ...TWO_WORKERS, width: 64, height: 36, frameCount: 100, concurrency: 1 };
      const options = { ...small, mode: 'compositor', frameHashes, ...more } as const;
      await RenderOrchestrator.render(page, join(sandbox.root, 'out.mp4'), options);
      return readFileSync(frameHashes, 'utf8');
    };
    const ffmpegPath = sandbox.script('ffmpeg', 'case "$*" in *pipe:0*) sleep 1;; esac', 'exec ffmpeg "$@"');
    assert.equal(await render({ ffmpegPath }), await render({}));
  });
});
