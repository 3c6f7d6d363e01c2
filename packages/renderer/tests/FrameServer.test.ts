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
import { TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

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
  const server = await FrameServer.open(profile);
  writeFileSync(join(profile, 'empty'), '');
  writeFileSync(join(profile, 'log'), `${server.url} was asked`);
  writeFileSync(join(profile, 'part'), server.url.slice(0, -1));
  return { server, profile, path };
}

const pixels = (value: number) => Buffer.alloc(5000, value);

describe('the server for frames', () => {
  it('finds the file that has its address in it, and takes pixels from there', async () => {
    using sandbox = new Sandbox();
    const { server, profile, path } = await start(sandbox);
    assert.equal(await post(`${server.url}/file`), false, 'no file is the one');
    writeFileSync(path, server.url);
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
    writeFileSync(path, server.url);
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
    writeFileSync(path, server.url);
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
