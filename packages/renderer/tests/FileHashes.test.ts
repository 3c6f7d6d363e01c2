import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { NetworkWatch } from '../src/browser/NetworkWatch.js';
import { FileHashes } from '../src/store/FileHashes.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const LONG_MS = 600_000;

/** Answers for ever, piece by piece; `closed` resolves when the one who asked has gone. */
async function endless(): Promise<{ server: Server; asked: Promise<unknown>; closed: Promise<unknown> }> {
  const events = new EventEmitter();
  const [asked, closed] = [once(events, 'asked'), once(events, 'closed')];
  const server = await Server.start((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: on and on\n\n'), 5);
    response.on('close', () => {
      clearInterval(timer);
      events.emit('closed');
    });
    events.emit('asked');
  });
  return { server, asked, closed };
}

describe('the hashes of files', () => {
  it('give up what does not end, at the deadline, and once', async () => {
    const { server, closed } = await endless();
    await using _server = server;
    const { signal } = new AbortController();
    // Long enough for the request to reach the server, also on a busy machine.
    await using files = new FileHashes(server.url('page.html'), { signal, deadlineMs: 1000 });
    const stream = server.url('stream');
    files.track([stream]);
    assert.equal(await files.unchanged([stream]), undefined);
    await closed;
    assert.equal(await files.unchanged([stream]), undefined, 'it is not read again');
    assert.equal(await files.match([{ address: stream, sha256: 'x' }]), false);
    assert.equal(getEventListeners(signal, 'abort').length, 1);
  });

  it('end what is being read with the render, whichever way that ends', async () => {
    for (const end of ['abort', 'dispose'] as const) {
      const { server, asked, closed } = await endless();
      await using _server = server;
      const controller = new AbortController();
      const files = new FileHashes(server.url('page.html'), { signal: controller.signal, deadlineMs: LONG_MS });
      const answer = files.unchanged([server.url('stream')]);
      await asked;
      if (end === 'abort') controller.abort();
      else await files[Symbol.asyncDispose]();
      assert.equal(await answer, undefined);
      await closed;
      await files[Symbol.asyncDispose]();
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    }
  });

  it('are none of what is no file, and of what was written after the render began', async () => {
    const pipe = join(sandbox.inputs, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const page = sandbox.page('x');
    await setTimeout(2);
    await using files = new FileHashes(page, { signal: new AbortController().signal, deadlineMs: LONG_MS });
    const others = [
      pathToFileURL(pipe).href,
      'file:///dev/zero',
      'file:///proc',
      'file:///nowhere',
      'file://a/b',
      'http:',
    ];
    for (const url of others) assert.equal(await files.unchanged([url]), undefined, url);
    const hashes = await files.unchanged([page]);
    assert.equal(hashes?.length, 1);
    assert.equal(await files.match(hashes), true);
    await setTimeout(2);
    assert.equal(await files.unchanged([sandbox.page('y', 'late.html')]), undefined);
  });

  it('tell apart where an address leads, and with what status', async () => {
    let [status, location] = [302, '/a'];
    await using server = await Server.start((_request, response) => response.writeHead(status, { location }).end());
    const { signal } = new AbortController();
    const hash = async () => {
      await using files = new FileHashes(server.url(''), { signal, deadlineMs: LONG_MS });
      return (await files.unchanged([server.url('page')]))![0]!.sha256;
    };
    const first = await hash();
    assert.equal(await hash(), first);
    location = '/b';
    assert.notEqual(await hash(), first);
    [status, location] = [200, '/a'];
    assert.notEqual(await hash(), first);
  });
});

describe('what a page has read', () => {
  /** Sends events of the protocol to a watch. */
  function watching() {
    const client = new EventEmitter();
    const watch = new NetworkWatch(() => {});
    watch.watch(client as never);
    let id = 0;
    const begin = (type: string, url = `http://x/${type}`, method = 'GET') => {
      client.emit('Network.requestWillBeSent', {
        requestId: String(++id),
        request: { headers: {}, url, method },
        type,
      });
      const requestId = String(id);
      return {
        end: () => client.emit('Network.loadingFinished', { requestId }),
        cancel: () =>
          client.emit('Network.loadingFailed', { requestId, type, errorText: 'net::ERR_ABORTED', canceled: true }),
      };
    };
    return { watch, begin, client };
  }

  it('can be read again when all of it has ended', () => {
    for (const type of ['Fetch', 'XHR']) {
      const { watch, begin } = watching();
      begin('Document').end();
      const { end } = begin(type);
      assert.equal(watch.files.repeatable, false, 'nobody knows what it will say');
      end();
      assert.deepEqual(watch.files, { urls: ['http://x/Document', `http://x/${type}`], repeatable: true });
    }
  });

  it('cannot where it depends on the moment', () => {
    const { watch, begin } = watching();
    begin('EventSource');
    assert.deepEqual(watch.files, { urls: [], repeatable: false }, 'a stream of events is no file');
    for (const type of ['Fetch', 'XHR']) {
      const other = watching();
      other.begin(type).cancel();
      assert.equal(other.watch.files.repeatable, false, 'who knows how much of it came');
    }
    for (const event of ['webSocketCreated', 'webTransportCreated']) {
      const other = watching();
      other.client.emit(`Network.${event}`, {});
      assert.equal(other.watch.files.repeatable, false);
    }
    const post = watching();
    post.begin('Fetch', 'http://x/', 'POST').end();
    assert.equal(post.watch.files.repeatable, false);
  });

  it('has ended where it is media: a browser reads of a video what it plays', () => {
    const { watch, begin } = watching();
    begin('Media');
    assert.equal(watch.files.repeatable, true);
  });
});
