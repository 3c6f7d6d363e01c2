import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  AssetError,
  ChunkStore,
  InputError,
  NavigationError,
  OptionsError,
  PageError,
  readComposition,
  RenderOrchestrator,
  type RenderEvent,
} from '../src/index.js';
import { truncate, redactAndTruncate, splitLogin, withoutPassword, withoutPasswords } from '../src/redact.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

describe('an address that is told', () => {
  it('has no password, however it is written', () => {
    for (const [given, told] of [
      ['http://user:secret@host:8/a?b#c', 'http://***@host:8/a?b#c'],
      ['HTTPS://user:secret@host/', 'HTTPS://***@host/'],
      ['https://secret@host/', 'https://***@host/'],
      ['http://:secret@host/', 'http://***@host/'],
      ['http://user:sec@ret@host/a@b', 'http://***@host/a@b'],
      ['http://user:sec%40ret@[::1]:8/', 'http://***@[::1]:8/'],
      ['ftp://user:secret@host/', 'ftp://***@host/'],
      ['http:user:secret@host/a', 'http://***@host/a'],
      ['http:/user:secret@host/a', 'http://***@host/a'],
      ['http:\\\\user:secret@host/a', 'http://***@host/a'],
      ['http://user:secret@', 'http://***@'],
      ['http://user:sec/ret@host/', 'http://***@host/'],
      ['http://user:sec ret@ho st/', 'http://***@ho st/'],
      ['user:secret@host:3000/a', '***@host:3000/a'],
      ['http://host/@user:x@y', 'http://host/@user:x@y'],
      ['http://host/?mail=a@b', 'http://host/?mail=a@b'],
      ['data:text/html,<p>a:b@c', 'data:text/html,<p>a:b@c'],
      ['logo@2x.png', 'logo@2x.png'],
      ['/home/a@b/c:d@e.html', '/home/a@b/c:d@e.html'],
      ['C:\\pages\\a@b.html', 'C:\\pages\\a@b.html'],
    ] as const) {
      assert.equal(withoutPassword(given), told, given);
    }
    assert.equal(
      withoutPasswords('at http://a:secret@h/x.js:1:2, then "ws://b:secret@h" and a@b (https://secret@h)'),
      'at http://***@h/x.js:1:2, then "ws://***@h" and a@b (https://***@h)',
    );
  });

  it('loses it in no more time than reading it takes', () => {
    for (const part of ['a.', 'http://', 'http://a', ':/', '@', 'a://@', 'a:b@']) {
      const start = performance.now();
      withoutPasswords(part.repeat(300_000));
      assert.ok(performance.now() - start < 10_000, part);
    }
  });

  it('is cut after it is redacted, with whole characters', () => {
    assert.equal(truncate('abc', 3), 'abc');
    assert.equal(truncate('a😀bc', 2), 'a… (5 characters)');
    const text = `${'x'.repeat(90)} http://user:${'secret'.repeat(50)}@host/ ${'y'.repeat(2e6)}`;
    assert.equal(redactAndTruncate(text, 100), `${'x'.repeat(90)} http://**… (${text.length} characters)`);
  });

  it('is split from its login', () => {
    assert.deepEqual(splitLogin('http://u:p%40@h:8/x'), {
      url: 'http://h:8/x',
      login: { origin: 'http://h:8', username: 'u', password: 'p%40' },
    });
    for (const url of ['http://h/x?', 'data:text/html,a@b', 'no address'])
      assert.deepEqual(splitLogin(url), { url, login: undefined });
  });
});

describe('errors', () => {
  it('have no password in their messages, their fields or their stacks', async () => {
    const url = 'http://user:secret@127.0.0.1:9/a.png';
    const errors: unknown[] = [
      new NavigationError(url, `it went to ${url}`, {}),
      new AssetError(url, 404, 'Image', {}),
      new PageError(`Error: at ${url}`, 'exception', { url, line: 1 }, {}),
      new OptionsError([`bad ${url}`, 'worse']),
      new InputError(`cannot open ${url}`),
    ];
    for (const bad of [
      url,
      'http://user:secret@',
      'http://user:sec/ret@h/',
      'ftp://user:secret@h/',
      'user:secret@h/',
    ]) {
      await readComposition(bad).catch((error: unknown) => errors.push(error));
      await RenderOrchestrator.render(bad, 'x.mp4', {} as never).catch((error: unknown) => errors.push(error));
    }
    assert.equal(errors.length, 15);
    for (const error of errors) assert.doesNotMatch(inspect(error, { depth: 9 }) + String(error), /sec\/?ret/);
  });
});

describe('a page that is behind a password', () => {
  const OPTIONS = { width: 64, height: 36, fps: 10, frameCount: 2, concurrency: 1, mode: 'screenshot' } as const;

  it('is rendered, kept and found again, and nobody is told the password', async () => {
    let colour = 'red';
    let throws = false;
    await using server = await Server.start(({ url, headers }, response) => {
      if (headers.authorization !== `Basic ${Buffer.from('user:s3c@ret').toString('base64')}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('nobody');
        return;
      }
      const type = { '/': 'text/html', '/style.css': 'text/css', '/lib.js': 'text/javascript' }[url!];
      response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' });
      if (url === '/style.css') response.end(`body { background: ${colour} }`);
      else if (url === '/lib.js') response.end(throws ? 'throw new Error("thrown at " + document.URL)' : '');
      else {
        response.end(`<link rel=stylesheet href=/style.css><img src="/gone.png">
          <script>console.error(document.URL, new Error("told").stack)</script><script src=/lib.js></script>`);
      }
    });
    const cacheDirectory = join(sandbox.inputs, 'cache');
    const events: RenderEvent[] = [];
    const render = (more: object = {}) => {
      const options = { ...OPTIONS, keepChunks: true, allowMissingAssets: true, cacheDirectory, ...more };
      const address = server.url('').replace('//', '//user:s3c%40ret@');
      return RenderOrchestrator.render(address, join(sandbox.root, 'out.mp4'), options, {
        onEvent: (event) => void events.push(event),
      });
    };
    const reused: number[] = [];
    const count = async () => reused.push((await render()).chunks.reused);
    await count();
    await count();
    colour = 'blue';
    await count();
    assert.deepEqual(reused, [0, 1, 0], 'what is behind the password is compared');

    const errors: unknown[] = [];
    await render({ allowMissingAssets: false, keepChunks: false }).catch((error: unknown) => errors.push(error));
    throws = true;
    await render({ keepChunks: false }).catch((error: unknown) => errors.push(error));
    assert.deepEqual(
      errors.map((error) => (error as Error).constructor),
      [AssetError, PageError],
    );

    const told = inspect([events, errors, await new ChunkStore(cacheDirectory).list()], {
      depth: 9,
      maxArrayLength: null,
    });
    assert.match(told, /told/);
    assert.doesNotMatch(told, /s3c|user:/);
    const files = (readdirSync(cacheDirectory, { recursive: true }) as string[]).map((name) =>
      join(cacheDirectory, name),
    );
    assert.doesNotMatch(files.join(), /s3c|user/);
    const records = files.filter((path) => path.endsWith('chunk.json'));
    assert.equal(records.length, 2);
    for (const path of records) {
      assert.doesNotMatch(readFileSync(path, 'utf8'), /s3c|user:/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
    for (const path of files) if (statSync(path).isDirectory()) assert.equal(statSync(path).mode & 0o777, 0o700, path);
  });
});
