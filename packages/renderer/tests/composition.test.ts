import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { readComposition } from '../src/composition/readComposition.js';
import { InputError } from '../src/errors.js';

const script = (json: string) => `<script type="application/genlock+json">${json}</script>`;
const data = (html: string, type = 'text/html') => `data:${type};base64,${Buffer.from(html).toString('base64')}`;

async function withServer(answer: RequestListener, test: (origin: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'genlock-test-'));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function refuses(url: string, message: RegExp, options = {}): Promise<void> {
  return assert.rejects(readComposition(url, options), (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe('readComposition', () => {
  it('reads what a page declares, and ignores what it does not know', async () => {
    const json = '{"width":1920,"height":1080,"fps":"30000/1001","durationInSeconds":1.5,"props":{"a":1},"other":2}';
    const url = data(`<!doctype html><head>${script(json)}<p>text`);
    assert.deepEqual(await readComposition(url), {
      url,
      width: 1920,
      height: 1080,
      fps: '30000/1001',
      durationInSeconds: 1.5,
      props: { a: 1 },
    });
  });

  it('says nothing for a page that declares nothing', async () => {
    for (const html of [
      '<p>text',
      `<!-- ${script('{"width":2}')} -->`,
      '<script type="application/json">{"width":2}</script>',
      `<script>const text = '<script type="application/genlock+json">'</script>`,
    ]) {
      assert.deepEqual(Object.keys(await readComposition(data(html))), ['url']);
    }
  });

  it('reads the first declaration, in HTML, XHTML and SVG', async () => {
    const twice = data(script('{"width":2}') + script('{"width":4}'));
    assert.equal((await readComposition(twice)).width, 2);
    const cdata =
      '<svg xmlns="http://www.w3.org/2000/svg"><script type="application/genlock+json"><![CDATA[{"width":8}]]></script></svg>';
    assert.equal((await readComposition(data(cdata, 'image/svg+xml'))).width, 8);
    assert.equal(
      (await readComposition(data(`<html>${script('{"width":6}')}</html>`, 'application/xhtml+xml'))).width,
      6,
    );
    const odd = data(`<SCRIPT TYPE=" Application/Genlock+JSON ">\n {"fps": 23.976} \n</SCRIPT>`);
    assert.equal((await readComposition(odd)).fps, 23.976);
  });

  it('names the page and the fault of a broken declaration', async () => {
    await refuses(
      data(script('{"width":')),
      /the <script type="application\/genlock\+json"> of data:.* is not valid JSON/,
    );
    await refuses(data(script('')), /is not valid JSON/);
    await refuses(data(script('[1]')), /cannot be used: .*must be an object such as/);
    await refuses(data(script('null')), /must be an object such as/);
    await refuses(
      data(script('{"width":"wide","fps":0}')),
      /width must be a whole number of pixels above 0; fps must be a rate/,
    );
    for (const json of [
      '{"height":-1}',
      '{"height":1.5}',
      '{"durationInSeconds":0}',
      '{"frameCount":0}',
      '{"props":[1]}',
    ]) {
      await refuses(data(script(json)), /cannot be used/);
    }
  });

  it('refuses addresses that it cannot open', async () => {
    await refuses('ftp://host/page', /ftp: is not one of http:/);
    await refuses('page.html', /is not an address/);
    await refuses('', /\(empty\) is not an address/);
    await refuses('http://127.0.0.1:9/', /cannot open http:\/\/127\.0\.0\.1:9\//);
    await refuses('http://host.invalid/', /cannot open .*the host name/);
    await refuses(data('x', 'text/plain'), /is not a page: its type is text\/plain/);
  });

  it('says in words that nothing listens', async () => {
    const port = await freePort();
    await refuses(`http://127.0.0.1:${port}/`, /nothing listens there \(connection refused\)/);
  });

  it('refuses what the server refuses, and what is no page', () =>
    withServer(
      (request, response) => {
        const [, status, type] = (request.url ?? '').split('/').map(decodeURIComponent);
        if (type) response.setHeader('Content-Type', type);
        if (status === '302') response.setHeader('Location', `/200/${encodeURIComponent('text/html')}`);
        response.statusCode = Number(status);
        response.end(script('{"width":10}'));
      },
      async (origin) => {
        await refuses(`${origin}/404/text%2Fhtml`, /\/404\/.* the server answers 404 Not Found/);
        await refuses(`${origin}/503/text%2Fhtml`, /the server answers 503/);
        await refuses(`${origin}/200/application%2Fjson`, /its type is application\/json/);
        await refuses(`${origin}/200/`, /it has no content type/);
        assert.equal((await readComposition(`${origin}/200/text%2Fhtml%3B%20charset%3Dutf-8`)).width, 10);
        assert.equal((await readComposition(`${origin}/302/x`)).width, 10);
      },
    ));

  it('gives a name and password to the server', () =>
    withServer(
      (request, response) => {
        response.statusCode = request.headers.authorization === `Basic ${btoa('me:p@ss')}` ? 200 : 401;
        response.setHeader('Content-Type', 'text/html').end(script('{"width":12}'));
      },
      async (origin) => {
        const url = origin.replace('//', '//me:p%40ss@');
        assert.equal((await readComposition(url)).width, 12);
        await refuses(origin, /401/);
      },
    ));

  it('follows redirects as a browser does, with the name and password within an origin only', async () => {
    const seen: (string | undefined)[] = [];
    await withServer(
      ({ headers, url }, response) => {
        seen.push(`${url} ${headers.authorization ? 'login' : 'nobody'}`);
        if (url === '/') response.writeHead(302, { location: '/page' }).end();
        else if (url === '/loop') response.writeHead(307, { location: 'loop' }).end();
        else if (url === '/away') response.writeHead(301, { location: 'file:///etc/passwd' }).end();
        else if (url === '/other') {
          response.writeHead(308, { location: `//localhost:${headers.host!.split(':')[1]}/page` }).end();
        } else response.setHeader('content-type', 'text/html').end(script('{"width":2}'));
      },
      async (origin) => {
        const withLogin = origin.replace('//', '//user:100%@');
        assert.equal((await readComposition(`${withLogin}/`)).width, 2);
        assert.equal((await readComposition(`${withLogin}/other`)).width, 2);
        assert.deepEqual(seen, ['/ login', '/page login', '/other login', '/page nobody']);
        await refuses(`${origin}/loop`, /it redirects more than 20 times/);
        await refuses(`${origin}/away`, /it redirects to file:/);
      },
    );
  });

  it('reads compressed answers, and finds names below localhost', async () => {
    const html = script('{"width":2}');
    for (const [encoding, body] of [
      ['gzip', gzipSync(html)],
      ['br', brotliCompressSync(html)],
      ['deflate', deflateSync(html)],
    ] as const) {
      await withServer(
        (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': encoding }).end(body);
        },
        async (origin) => {
          assert.equal((await readComposition(origin.replace('127.0.0.1', 'any.localhost'))).width, 2);
        },
      );
    }
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end('no gzip');
      },
      (origin) => refuses(origin, /cannot read/),
    );
  });

  it('needs no more of the page than its declaration', () =>
    withServer(
      (_request, response) => {
        response.setHeader('Content-Type', 'text/html');
        response.write(script('{"width":14}'));
      },
      async (origin) => assert.equal((await readComposition(origin, { timeoutMs: 5000 })).width, 14),
    ));

  it('times out at the answer and in the middle of the page', () =>
    withServer(
      (request, response) => {
        if (request.url !== '/body') return;
        response.setHeader('Content-Type', 'text/html');
        response.write('<p>');
      },
      async (origin) => {
        await refuses(`${origin}/`, /did not answer in full within 0\.1 s/, { timeoutMs: 100 });
        await refuses(`${origin}/body`, /did not answer in full within 0\.1 s/, { timeoutMs: 100 });
      },
    ));

  it("rejects with the signal's reason itself", () =>
    withServer(
      () => undefined,
      async (origin) => {
        const reason = { not: 'an error' };
        const controller = new AbortController();
        const reading = readComposition(origin, { signal: controller.signal });
        controller.abort(reason);
        await assert.rejects(reading, (error) => error === reason);
        await assert.rejects(readComposition(origin, { signal: controller.signal }), (error) => error === reason);
      },
    ));

  it('reads files by their name or their beginning', () =>
    withFolder(async (folder) => {
      const read = async (name: string, content: string | Buffer) => {
        await writeFile(join(folder, name), content);
        return readComposition(pathToFileURL(join(folder, name)).href);
      };
      const html = `<!DOCTYPE html>${script('{"width":16}')}`;
      assert.equal((await read('page.html', html)).width, 16);
      assert.equal((await read('a b #1%.HTM', html)).width, 16);
      assert.equal((await read('page', `\uFEFF\n<!-- c -->${html}`)).width, 16);
      assert.equal((await read('drawing', `<?xml version="1.0"?><svg>${script('{"width":18}')}</svg>`)).width, 18);
      const long = `<p>${'é'.repeat(200_000)}</p>${script('{"width":20}')}`;
      assert.equal((await read('long.html', long)).width, 20);
      for (const [name, content] of [
        ['notes.txt', 'notes'],
        ['data.json', '{}'],
        ['picture.png', Buffer.from([0x89, 0x50, 0, 1])],
        ['renamed.html', Buffer.from([0x89, 0x50, 0, 1])],
      ] as const) {
        await assert.rejects(read(name, content), /is not a page: it is neither HTML nor SVG/, name);
      }
    }));

  it('refuses what is no file', () =>
    withFolder(async (folder) => {
      const url = (name: string) => pathToFileURL(join(folder, name)).href;
      await mkdir(join(folder, 'folder.html'));
      execFileSync('mkfifo', [join(folder, 'pipe.html')]);
      await refuses(url('gone.html'), /cannot open .*gone\.html: no such file/);
      await refuses(url('folder.html'), /folder\.html is a folder, not a page/);
      await refuses(url('pipe.html'), /pipe\.html is not a file/);
    }));
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
