import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AssetError, InputError, NavigationError, readComposition, RenderOrchestrator } from '../src/index.js';
import { FileHashes } from '../src/store/FileHashes.js';
import { Sandbox } from './support/Sandbox.js';
import { startSelfSigned } from './support/selfSigned.js';
import { Server } from './support/server.js';

const OPTIONS = { width: 64, height: 36, fps: 10, frameCount: 2, concurrency: 1, mode: 'screenshot' } as const;
const PIXEL = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
const NAMES_OPTION = /ignoreHttpsErrors \(--ignore-https-errors\)/;

let sandbox: Sandbox;
let server: Awaited<ReturnType<typeof startSelfSigned>>;
before(async () => {
  sandbox = new Sandbox();
  server = await startSelfSigned(({ url }, response) => {
    if (url === '/moved') response.writeHead(302, { location: '/' });
    else response.setHeader('content-type', url === '/pixel.svg' ? 'image/svg+xml' : 'text/html');
    response.end(
      url === '/pixel.svg'
        ? PIXEL
        : `<script type="application/genlock+json">{"width":64}</script><img src="/pixel.svg">
           <script>genlock.waitUntil(fetch('/pixel.svg').then((answer) => answer.text()))</script>`,
    );
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  sandbox[Symbol.dispose]();
});

describe('https with a certificate that nobody vouches for', () => {
  it('is refused before a browser starts, with the name of the option that accepts it', async () => {
    for (const path of ['', 'moved']) {
      const url = server.url + path;
      await assert.rejects(readComposition(url), (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, /its certificate is not trusted/);
        assert.match(error.message, NAMES_OPTION);
        return true;
      });
      assert.deepEqual(await readComposition(url, { ignoreHttpsErrors: true }), { url, width: 64 });
    }
  });

  it('is refused by the browser, which says the same', async () => {
    const render = (url: string) => RenderOrchestrator.render(url, join(sandbox.root, 'out.mp4'), OPTIONS);
    await assert.rejects(render(server.url), (error: unknown) => {
      assert.ok(error instanceof NavigationError, String(error));
      assert.match(error.message, NAMES_OPTION);
      return true;
    });
    await using plain = await Server.serve({ 'page.html': `<img src="${server.url}pixel.svg">` });
    await assert.rejects(render(plain.url('page.html')), (error: unknown) => {
      assert.ok(error instanceof AssetError, String(error));
      assert.match(error.message, NAMES_OPTION);
      return true;
    });
  });

  it('is read by the browser and for kept chunks where that is asked for', async () => {
    const url = `${server.url}pixel.svg`;
    const { signal } = new AbortController();
    assert.equal(await new FileHashes(server.url, { signal, deadlineMs: 30_000 }).unchanged([url]), undefined);
    const [hash, ...more] = (await new FileHashes(server.url, {
      signal,
      deadlineMs: 30_000,
      ignoreHttpsErrors: true,
    }).unchanged([url]))!;
    assert.deepEqual([hash?.address, more], ['/pixel.svg', []]);

    const options = { ...OPTIONS, ignoreHttpsErrors: true, keepChunks: true };
    const cacheDirectory = join(sandbox.inputs, 'cache');
    const render = () => {
      return RenderOrchestrator.render(server.url, join(sandbox.root, 'out.mp4'), { ...options, cacheDirectory });
    };
    assert.equal((await render()).chunks.reused, 0);
    assert.equal((await render()).chunks.reused, 1);
  });
});
