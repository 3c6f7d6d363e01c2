import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { FrameServer } from '../src/capture/FrameServer.js';
import { BrowserPool, RenderOrchestrator, type RenderEvent, type RenderJobOptions } from '../src/index.js';
import { held } from './support/leaks.js';
import { eventsOf, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

/** Connects as the worker does. */
async function connect(server: FrameServer): Promise<WebSocket> {
  const socket = new WebSocket(server.url);
  await once(socket, 'open');
  return socket;
}

/** The answer to a question, as text. */
async function ask(socket: WebSocket, question: string): Promise<string> {
  socket.send(question);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  return answer.toString();
}

/** A message with the bytes of a frame. */
function message(frame: number, bytes: Buffer): Buffer {
  const number = Buffer.alloc(4);
  number.writeInt32BE(frame);
  return Buffer.concat([number, bytes]);
}

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
    const socket = await connect(server);
    assert.equal(await ask(socket, 'file'), '', 'no file is the one');
    writeFileSync(path, server.mark);
    assert.equal(await ask(socket, 'file'), 'yes');
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

  it('fails to read what the file does not have, and takes messages', async () => {
    using sandbox = new Sandbox();
    const { server, path } = await start(sandbox);
    await using _server = server;
    await assert.rejects(server.read(5000), /does not contain the 5000 bytes of a frame/);
    writeFileSync(path, server.mark);
    const socket = await connect(server);
    await ask(socket, 'file');
    await assert.rejects(server.read(5000), /does not contain the 5000 bytes of a frame/);
    const [first, look] = [server.expect(1), server.expect(-1)];
    socket.send(message(-1, pixels(7)));
    socket.send(message(1, pixels(1)));
    assert.deepEqual(Buffer.concat(await first), pixels(1));
    assert.deepEqual(Buffer.concat(await look), pixels(7));
  });

  it('has nothing for those who do not know its token', async () => {
    using sandbox = new Sandbox();
    const { server, path } = await start(sandbox);
    await using _server = server;
    writeFileSync(path, server.mark);
    server.picture = Buffer.from('secret');
    const wrong = server.url.replace(/[^/]+$/, 'guess');
    const [refusal] = (await once(new WebSocket(wrong), 'error')) as [Error];
    assert.match(refusal.message, /400/);
    const { port } = new URL(server.url);
    const { status } = await fetch(server.url.replace('ws:', 'http:'), { method: 'POST', body: 'x' });
    assert.equal(status, 404, 'not by a request either');
    // They are answered before they have said all.
    const knocking = createConnection(Number(port), '127.0.0.1');
    knocking.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\nx`);
    const [answer] = (await once(knocking, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1.1 404 /);
    knocking.destroy();
  });

  it('gives the picture to whoever knows its token', async () => {
    using sandbox = new Sandbox();
    const { server } = await start(sandbox);
    await using _server = server;
    const socket = await connect(server);
    assert.equal(await ask(socket, 'picture'), '');
    server.picture = Buffer.from('a picture');
    assert.equal(await ask(socket, 'picture'), 'a picture');
  });

  it('takes in what is expected, once, and no more than a frame can have', async () => {
    using sandbox = new Sandbox();
    const { server } = await start(sandbox);
    await using _server = server;
    const socket = await connect(server);
    const expected = server.expect(2);
    for (const [frame, value] of [[3, 3], [2, 2], [2, 4]] as const) socket.send(message(frame, pixels(value))); // prettier-ignore
    socket.send(Buffer.alloc(2));
    assert.deepEqual(Buffer.concat(await expected), pixels(2));
    const next = server.expect(2);
    socket.send(message(2, pixels(5)));
    assert.deepEqual(Buffer.concat(await next), pixels(5), 'what nobody waited for is not kept');

    // Whoever sends on and on is cut off, whether it was expected or not, in one piece or in many.
    for (const fin of [true, false]) {
      const flood = await connect(server);
      const data = assert.rejects(server.expect(1), /sent more than the 70536 bytes that a frame can have/);
      flood.on('error', () => {});
      const closed = once(flood, 'close');
      const send = () => {
        if (flood.readyState === WebSocket.OPEN) flood.send(Buffer.alloc(fin ? 80_000 : 8000), { fin }, send);
      };
      send();
      await data;
      await closed;
    }
    assert.equal(await ask(socket, 'picture'), '', 'others go on');
  });

  it('closes although somebody is connected', async () => {
    using sandbox = new Sandbox();
    const { server } = await start(sandbox);
    const socket = await connect(server);
    const knocking = createConnection(Number(new URL(server.url).port), '127.0.0.1');
    await once(knocking, 'connect');
    const closed = Promise.all([once(socket, 'close'), once(knocking.resume(), 'close')]);
    await server[Symbol.asyncDispose]();
    await closed;
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
    // By the file of a profile, and by messages where there is none.
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
    const byMessage = await render({ browsers });
    assert.equal(byMessage.open, 0);
    assert.equal(byMessage.hashes, byFile.hashes);
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
