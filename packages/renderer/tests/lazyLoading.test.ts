import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Renderer, type Mode } from '../src/index.js';
import { isLong, LONG } from './support/extent.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';
import { decodedFrame } from './support/video.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const GREEN =
  '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="36"><rect width="64" height="36" fill="lime"/></svg>';
const SCROLL = `<script>requestAnimationFrame(function f(t) { scrollTo(0, t < 490 ? 0 : 8000); requestAnimationFrame(f); })</script>`;
const TALL = '<!doctype html><body style="height:9000px;margin:0">';
const AT_8000 = 'position:absolute;top:8000px;left:0;border:0;width:64px;height:36px';

const PAGES: Record<string, string> = {
  'img.html': `${TALL}<img loading=lazy src=g.svg style="${AT_8000}">${SCROLL}`,
  'iframe.html': `${TALL}<iframe loading=lazy src=inner.html style="${AT_8000}"></iframe>${SCROLL}`,
  'visibility.html': `${TALL}<div style="${AT_8000};content-visibility:auto"><div style="width:64px;height:36px;background:url(g.svg)"></div></div>${SCROLL}`,
  'shadow.html': `${TALL}<div id=host style="${AT_8000}"></div><script>
    host.attachShadow({ mode: 'open' }).innerHTML = '<img loading=lazy src=g.svg style="display:block">';</script>${SCROLL}`,
  'srcdoc.html': `${TALL}<iframe id=f style="border:0;width:64px;height:36px"></iframe><script>
    requestAnimationFrame(function draw(t) { if (t > 490 && !f.srcdoc) f.srcdoc = '<body style="margin:0"><img src=g.svg>'; requestAnimationFrame(draw); })</script>`,
  'src.html': `${TALL}<iframe id=f style="border:0;width:64px;height:36px"></iframe><script>
    requestAnimationFrame(function draw(t) { if (t > 490 && !f.src) f.src = 'inner.html'; requestAnimationFrame(draw); })</script>`,
  // Comes late, and far away: it is asked for only when it can be seen.
  'late.html': `${TALL}<script>requestAnimationFrame(function f(t) {
    if (t > 290 && !document.images.length) {
      const image = new Image();
      image.loading = 'lazy';
      image.style = '${AT_8000}';
      image.src = 'g.svg';
      document.body.append(image);
    }
    scrollTo(0, t < 490 ? 0 : 8000);
    requestAnimationFrame(f);
  })</script>`,
  'inner.html': '<!doctype html><body style="margin:0"><img loading=lazy src=g.svg>',
};

/** The others are as their kind. */
const FAST = ['img.html', 'visibility.html', 'srcdoc.html'];

/** Frames 4 to 6 of a page at 10 frames a second: the colour in the middle. */
async function colours(url: string, mode: Mode, startFrame: number): Promise<string[]> {
  const output = join(sandbox.root, 'out.mkv');
  const options = { width: 64, height: 36, fps: 10, startFrame, frameCount: 7 - startFrame, lossless: true, mode };
  await new Renderer(options).render(url, output);
  const wanted = [4, 5, 6].filter((frame) => frame >= startFrame);
  return Promise.all(
    wanted.map(async (frame) => {
      const [red, green, blue] = (await decodedFrame(output, frame - startFrame)).subarray((18 * 64 + 32) * 3);
      if (red! > 200 && green! > 200 && blue! > 200) return 'white';
      return green! > 200 && red! < 60 && blue! < 60 ? 'green' : `${red} ${green} ${blue}`;
    }),
  );
}

describe('what is loaded or laid out only when it comes into view is in that very frame', () => {
  for (const name of Object.keys(PAGES).filter((page) => page !== 'inner.html')) {
    it(name, FAST.includes(name) ? {} : LONG, async () => {
      await using server = await Server.start((request, response) => {
        const file = (request.url ?? '/').slice(1);
        const type = file.endsWith('.svg') ? 'image/svg+xml' : 'text/html';
        void setTimeout(file.endsWith('.svg') ? Math.random() * 100 : 0).then(() => {
          response.writeHead(200, { 'content-type': type }).end(file.endsWith('.svg') ? GREEN : PAGES[file]);
        });
      });
      assert.deepEqual(await colours(server.url(name), 'screenshot', 0), ['white', 'green', 'green']);
      assert.deepEqual(await colours(server.url(name), 'compositor', 5), ['green', 'green'], 'entered there');
      if (!isLong) return;
      assert.deepEqual(await colours(server.url(name), 'compositor', 0), ['white', 'green', 'green']);
      assert.deepEqual(await colours(server.url(name), 'auto', 0), ['white', 'green', 'green']);
      assert.deepEqual(await colours(server.url(name), 'screenshot', 5), ['green', 'green'], 'entered there');
    });
  }
});
