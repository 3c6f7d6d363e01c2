import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RenderEvent } from '@genlock/renderer';
import { folderOptions, locatePage, openPage } from '../src/input.js';
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
  for (const folder of ['.hidden', '.well-known', 'node_modules/.pnpm'])
    await mkdir(join(root, folder), { recursive: true });
  const files: Record<string, string> = {
    'index.html': '<p>home',
    'sub/index.html': '<p>sub',
    'sub/data.json': '{"a":1}',
    'script.mjs': 'export {}',
    'font.woff2': 'font',
    'clip.mp4': '0123456789',
    'odd #1 100% ü?.html': '<p>odd',
    '.hidden/file.txt': 'hidden',
    '.hidden/index.html': 'hidden',
    '.env': 'hidden',
    'sub/.env': 'hidden',
    '.well-known/site.json': '{}',
    'node_modules/.pnpm/lib.js': 'export {}',
    'node_modules/.npmrc': 'hidden',
    'empty.css': '',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  await mkdir(join(outside.path, 'elsewhere'));
  await writeFile(join(outside.path, 'elsewhere', 'index.html'), 'secret index');
  await symlink('../secret.txt', join(root, 'leak.txt'));
  await symlink('../elsewhere', join(root, 'leaking'));
  await symlink('../secret.txt', join(root, 'bare', 'index.html'));
  await symlink('sub/data.json', join(root, 'alias.json'));
  await symlink('.env', join(root, 'env.txt'));
  await symlink('.hidden', join(root, 'shown'));
  await symlink('.pnpm', join(root, 'node_modules', 'lib'));
  server = await serveFolder(root);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await outside[Symbol.asyncDispose]();
});

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  origin?: string;
  address?: string;
}

/** Sends the path as it is: fetch would tidy it up. Node looks no `*.localhost` up by itself. */
function get(
  path: string,
  { origin = server.origin, address = '127.0.0.1', headers, ...options }: Asked = {},
): Promise<Answer> {
  const { host, port } = new URL(origin);
  const all = { hostname: address, port, path, agent: false, ...options, headers: { host, ...headers } };
  return new Promise((resolve, reject) => {
    request(all, (response) => {
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
      ['/.well-known/site.json', 'application/json; charset=utf-8', '{}'],
      ['/node_modules/lib/lib.js', 'text/javascript; charset=utf-8', 'export {}'],
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

  it('serves no name that begins with a dot, however it is written', async () => {
    const hidden = [
      '/.env',
      '/%2eenv',
      '/%2Eenv?query',
      '/sub/.env',
      '/sub%2f.env',
      '/.hidden',
      '/.hidden/',
      '/.hidden/file.txt',
      '/%2e%68idden/file.txt',
      '/./.hidden/file.txt',
      '/sub/..%5c.env',
      '/.hidden%5cfile.txt',
      '/env.txt',
      '/shown/file.txt',
      '/shown/',
      '/.not-there',
      '/node_modules/.npmrc',
    ];
    const told: string[] = [];
    await using own = await serveFolder(root, { onHidden: (path) => told.push(path) });
    for (const path of hidden) {
      const answer = await get(path, { origin: own.origin });
      assert.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status}`);
      assert.doesNotMatch(answer.body, /^hidden/, path);
    }
    assert.ok(told.includes(join(root, '.env')) && told.includes(join(root, 'env.txt')), told.join());
    assert.equal((await get('/sub/data.json', { origin: own.origin })).status, 200);

    await using open = await serveFolder(root, { allowDotfiles: true });
    for (const path of ['/.env', '/%2eenv', '/.hidden/', '/.hidden/file.txt', '/env.txt', '/shown/file.txt']) {
      assert.equal((await get(path, { origin: open.origin })).body, 'hidden', path);
    }
    assert.equal((await get('/leak.txt', { origin: open.origin })).status, 404);
  });

  it('answers only to who knows its name, on both loopback addresses', async () => {
    const { port, hostname } = new URL(server.origin);
    const other = await serveFolder(root);
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
      hostname,
      `x${hostname}:${port}`,
      `${hostname.slice(1)}:${port}`,
      new URL(other.origin).hostname + `:${port}`,
      '',
    ]) {
      const answer = await get('/', { headers: { host } });
      assert.ok([400, 403].includes(answer.status), `${host}: ${answer.status}`);
      assert.doesNotMatch(answer.body, /home/);
      assert.ok(!answer.body.includes(hostname), 'it does not tell its name');
    }
    await other[Symbol.asyncDispose]();
    assert.equal((await get('/')).body, '<p>home');
    const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
    if (hasIpv6) assert.equal((await get('/', { address: '::1' })).body, '<p>home');
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
    const socket = connect(Number(new URL(short.origin).port), '127.0.0.1');
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
    assert.equal((await get(new URL(page.url).pathname, { origin: page.url })).body, '<p>odd');
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
      assert.equal((await get(new URL(page.url).pathname, { origin: page.url })).status, 200);
    }
  });

  it('can be served from a folder further up', async () => {
    await using page = await openPage(await locatePage(join(root, 'sub', 'index.html'), root));
    assert.ok(page.url.endsWith('/sub/index.html'));
    assert.equal((await get('/clip.mp4', { origin: page.url })).status, 200);
  });

  it('is refused where its own name is hidden, unless that is allowed', async () => {
    await writeFile(join(root, '.page.html'), 'hidden');
    for (const [file, folder] of [
      [join(root, '.page.html'), undefined],
      [join(root, '.hidden', 'index.html'), root],
    ] as const) {
      await assert.rejects(locatePage(file, folder), {
        name: 'InputError',
        message: /begins with a dot.*--allow-dotfiles/,
      });
      await using page = await openPage(await locatePage(file, folder, true), { allowDotfiles: true });
      assert.equal((await get(new URL(page.url).pathname, { origin: page.url })).body, 'hidden');
    }
    const told: RenderEvent[] = [];
    const { allowDotfiles, onHidden } = folderOptions({ allowDotfiles: true }, (event) => told.push(event));
    assert.equal(allowDotfiles, true);
    onHidden!('/site/.env');
    assert.match(
      told.map((event) => (event.type === 'warning' ? event.message : '')).join(),
      /^\/site\/\.env is not served/,
    );
    await using inside = await openPage(await locatePage(join(root, '.hidden')));
    assert.equal((await get('/index.html', { origin: inside.url })).body, 'hidden', 'the folder itself was asked for');
  });

  it('is an address as it is', async () => {
    const input = await locatePage('https://example.com/a?b#c');
    assert.deepEqual(input, { kind: 'address', url: 'https://example.com/a?b#c' });
  });
});
