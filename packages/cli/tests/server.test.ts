import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openPage, locatePage } from '../src/input.js';
import { encodePath, serveFolder, type FolderServer } from '../src/server.js';
import { makeFolder } from './helpers.js';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

let outside: Awaited<ReturnType<typeof makeFolder>>;
let root: string;
let server: FolderServer;

before(async () => {
  outside = await makeFolder({ 'secret.txt': 'secret' });
  root = join(outside.path, 'site');
  await mkdir(join(root, 'sub'), { recursive: true });
  await mkdir(join(root, 'bare'));
  await mkdir(join(root, '.hidden'));
  const files: Record<string, string> = {
    'index.html': '<p>home',
    'sub/index.html': '<p>sub',
    'sub/data.json': '{"a":1}',
    'script.mjs': 'export {}',
    'font.woff2': 'font',
    'clip.mp4': '0123456789',
    'odd #1 100% ü?.html': '<p>odd',
    '.hidden/file.txt': 'hidden',
    'empty.css': '',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  await mkdir(join(outside.path, 'elsewhere'));
  await writeFile(join(outside.path, 'elsewhere', 'index.html'), 'secret index');
  await symlink('../secret.txt', join(root, 'leak.txt'));
  await symlink('../elsewhere', join(root, 'leaking'));
  await symlink('../secret.txt', join(root, 'bare', 'index.html'));
  await symlink('sub/data.json', join(root, 'alias.json'));
  server = await serveFolder(root);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await outside[Symbol.asyncDispose]();
});

/** Sends the path as it is: fetch would tidy it up. */
function get(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the folder server', () => {
  it('serves files with their types', async () => {
    for (const [path, type, body] of [
      ['/', 'text/html; charset=utf-8', '<p>home'],
      ['/sub/', 'text/html; charset=utf-8', '<p>sub'],
      ['/sub/data.json?query=1', 'application/json; charset=utf-8', '{"a":1}'],
      ['/script.mjs', 'text/javascript; charset=utf-8', 'export {}'],
      ['/font.woff2', 'font/woff2', 'font'],
      ['/clip.mp4', 'video/mp4', '0123456789'],
      ['/empty.css', 'text/css; charset=utf-8', ''],
      ['/.hidden/file.txt', 'text/plain; charset=utf-8', 'hidden'],
      ['/alias.json', 'application/json; charset=utf-8', '{"a":1}'],
    ] as const) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers['content-type'], type);
      assert.equal(answer.body, body);
    }
  });

  it('serves names that must be encoded', async () => {
    const answer = await get(`/${encodePath('odd #1 100% ü?.html')}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, '<p>odd');
  });

  it('leads a folder without its slash to the one with it', async () => {
    const answer = await get('/sub');
    assert.equal(answer.status, 301);
    assert.equal(answer.headers['location'], '/sub/');
  });

  it('serves byte ranges', async () => {
    const part = await get('/clip.mp4', { headers: { range: 'bytes=2-4' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], 'bytes 2-4/10');
    assert.equal(part.body, '234');
    const end = await get('/clip.mp4', { headers: { range: 'bytes=-3' } });
    assert.equal(end.body, '789');
    const beyond = await get('/clip.mp4', { headers: { range: 'bytes=50-' } });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], 'bytes */10');
    const whole = await get('/clip.mp4');
    assert.equal(whole.headers['accept-ranges'], 'bytes');
    assert.equal(whole.headers['content-length'], '10');
  });

  it('lets nothing outside be read', async () => {
    for (const path of [
      '/../secret.txt',
      '/sub/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e%2fsecret.txt',
      '/sub/%2e%2e/%2e%2e/secret.txt',
      '/..%5csecret.txt',
      '/%252e%252e/secret.txt',
      `/${join(outside.path, 'secret.txt')}`,
      `//${join(outside.path, 'secret.txt')}`,
      '/leak.txt',
      '/leaking/index.html',
      '/leaking/',
      '/leaking',
      '/bare/',
      '/index.html%00.txt',
      '/%zz',
      'secret.txt',
      `file://${join(outside.path, 'secret.txt')}`,
    ]) {
      const answer = await get(path);
      assert.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status}`);
      assert.doesNotMatch(answer.body, /^secret/);
      // Node refuses malformed requests by itself, without a word.
      if (answer.body) assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8', path);
    }
  });

  it('says clearly that a file is missing', async () => {
    const answer = await get('/nope.png');
    assert.equal(answer.status, 404);
    assert.equal(answer.body, `404: /nope.png is not in ${root}\n`);
  });

  it('answers neither other methods nor other hosts', async () => {
    assert.equal((await get('/', { method: 'POST' })).status, 405);
    assert.equal((await get('/', { headers: { host: 'evil.example' } })).status, 403);
    const head = await get('/clip.mp4', { method: 'HEAD' });
    assert.equal(head.headers['content-length'], '10');
    assert.equal(head.body, '');
  });

  it('closes with connections open', async () => {
    const short = await serveFolder(root);
    const { hostname, port } = new URL(short.origin);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await short[Symbol.asyncDispose]();
    await closed;
  });
});

describe('the page argument', () => {
  it('is a file, served with its folder', async () => {
    const input = await locatePage(join(root, 'odd #1 100% ü?.html'));
    assert.equal(input.kind, 'file');
    await using page = await openPage(input);
    assert.equal(await (await fetch(page.url)).text(), '<p>odd');
    assert.equal(page.withPaths(`at ${page.url}:3:4`), `at ${join(root, 'odd #1 100% ü?.html')}:3:4`);
  });

  it('is a folder with index.html, a file: address, or a file with a query', async () => {
    for (const [argument, ends] of [
      [root, '/index.html'],
      [`file://${root}/sub/index.html?a=1#b`, '/index.html?a=1#b'],
      [`${root}/sub/index.html?a=1`, '/index.html?a=1'],
    ] as const) {
      await using page = await openPage(await locatePage(argument));
      assert.ok(page.url.endsWith(ends), page.url);
      assert.equal((await fetch(page.url)).status, 200);
    }
  });

  it('can be served from a folder further up', async () => {
    await using page = await openPage(await locatePage(join(root, 'sub', 'index.html'), root));
    assert.ok(page.url.endsWith('/sub/index.html'));
    assert.equal((await fetch(new URL('/clip.mp4', page.url))).status, 200);
  });

  it('is an address as it is', async () => {
    const input = await locatePage('https://example.com/a?b#c');
    assert.deepEqual(input, { kind: 'address', url: 'https://example.com/a?b#c' });
  });
});
