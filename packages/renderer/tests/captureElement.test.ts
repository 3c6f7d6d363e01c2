import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { WarmBrowser } from '../src/browser/WarmBrowser.js';
import { differenceOf } from '../src/capture/likeness.js';
import { Renderer, type DistributedRenderOptions, type RenderEvent } from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { LONG } from './support/extent.js';
import { eachFrame } from './support/eachFrame.js';
import { atEvent, eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const SIZE = { width: 320, height: 180, fps: 30 };
const cards = pathToFileURL(join(import.meta.dirname, 'pages', 'cards.html')).href;

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

let renders = 0;

async function render(url: string, options: Partial<DistributedRenderOptions>, extension = 'mp4') {
  const events: RenderEvent[] = [];
  const hashing = options.lossless ? { frameHashes: join(sandbox.root, `${++renders}.hashes`) } : {};
  const all = { ...SIZE, mode: 'element', concurrency: 1, frameCount: 12, ...options, ...hashing } as const;
  const onEvent = (event: RenderEvent) => void events.push(event);
  const { path } = await succeed(sandbox, url, all, { onEvent }, `${++renders}.${extension}`);
  return {
    path,
    hashes: all.frameHashes === undefined ? [] : readFileSync(all.frameHashes, 'utf8').trimEnd().split('\n'),
    modes: eventsOf(events, 'capture').map(({ mode, encoded }) => `${mode}${encoded ? ' encoded' : ''}`),
    reasons: eventsOf(events, 'capture').map(({ reason }) => reason ?? ''),
    warnings: eventsOf(events, 'warning').map(({ message }) => message),
  };
}

const lossless = (url: string, options: Partial<DistributedRenderOptions>) =>
  render(url, { ...options, lossless: true }, 'mkv');

/** The red, green and blue of all frames of a video. */
async function pixelsOf(video: string): Promise<Buffer> {
  const raw = join(sandbox.root, 'frames.rgb');
  const exact = ['-sws_flags', 'accurate_rnd+full_chroma_int', '-f', 'rawvideo', '-pix_fmt', 'rgb24'];
  const { code, stderr } = await runCommand('ffmpeg', ['-v', 'error', '-y', '-i', video, ...exact, raw]);
  assert.equal(code, 0, stderr);
  return readFileSync(raw);
}

/** A page with a square that moves, and some more. */
function pageOf(html: string, script = ''): string {
  return sandbox.page(
    `<!doctype html><style>
       body { margin: 0 }
       #mover { position: absolute; left: 0; top: 0; width: 40px; height: 40px; background: teal }
     </style>
     <div id="mover"></div>${html}
     ${eachFrame(`mover.style.left = 5 * frame + 'px'; ${script}`)}`,
    `page-${++renders}.html`,
  );
}

describe('capture of a page that is drawn into a canvas', () => {
  it('gives the same pixels however the work is split, also beyond the frames that decide', LONG, async () => {
    const one = await lossless(cards, { frameCount: 40 });
    assert.deepEqual([one.modes, one.warnings], [['element'], []]);
    assert.equal(new Set(one.hashes.map((line) => line.split(' ')[1])).size, 40, 'no frame is another one');
    const three = await lossless(cards, { frameCount: 40, concurrency: 3 });
    assert.deepEqual(new Set(three.modes), new Set(['element']));
    assert.deepEqual(three.hashes, one.hashes);
    const jumped = await lossless(cards, { frameCount: 40, concurrency: 2, entry: 'seek' });
    assert.deepEqual(jumped.hashes, one.hashes);
  });

  it('gives the pixels of screenshots where nothing is moved by the compositor', async () => {
    const url = pageOf(
      `<style>
         html { height: 100%; font-size: 12px }
         body { display: flex; flex-wrap: wrap; gap: 4px; min-height: 100%; box-sizing: border-box; padding: 10px 20px;
                background: linear-gradient(120deg, navy, gold); color: white; overflow: hidden }
         body > p { flex: 1 0 30%; margin: auto; padding: 1rem; background: rgb(0 0 0 / 50%); border-radius: 8px }
         #fixed { position: fixed; right: 8px; bottom: 8px; width: 20vw; background: crimson }
         #deep { margin-left: auto; writing-mode: vertical-rl }
       </style>
       <p>One<p>Two<p id="deep">Three<div id="fixed">fixed</div>text beside`,
      `document.body.style.paddingTop = 10 + frame + 'px'`,
    );
    const { hashes, warnings } = await lossless(url, {});
    assert.deepEqual(warnings, []);
    assert.deepEqual(hashes, (await lossless(url, { mode: 'screenshot' })).hashes);
  });

  it('lets the browser encode, and is never chosen by itself', LONG, async () => {
    assert.deepEqual((await render(cards, { frameCount: 2 })).modes, ['element encoded']);
    assert.deepEqual((await render(cards, { frameCount: 2, crf: 20 })).modes, ['element']);
    assert.deepEqual((await render(cards, { frameCount: 2, mode: 'auto' })).modes, ['compositor']);
  });

  it('shows scripts and selectors of the page the tree that they have made, with its animations', async () => {
    const url = pageOf(
      `<style>@keyframes k { to { opacity: 0.5 } } #mover { animation: k 1s infinite }</style>`,
      `const animation = mover.getAnimations()[0];
       window.first ??= animation;
       const same = animation === window.first && animation.playState === 'running';
       const path = document.querySelector('html > body > #mover') && [...document.body.children].map((e) => e.localName);
       const tree = mover.parentNode === document.body && document.querySelectorAll('canvas').length === 0;
       const where = mover.getBoundingClientRect().left === 5 * frame;
       if (!same || !tree || !where || document.body.shadowRoot || path.join() !== 'div,style,script')
         throw new Error([frame, same, tree, where, path].join(' '));`,
    );
    const { modes } = await lossless(url, { frameCount: 35 });
    assert.deepEqual(modes, ['element']);
  });

  it('keeps colours, as pixels and through the encoder of the browser', async () => {
    const colours = ['#ff0000', '#00ff00', '#0000ff', '#ffffff', '#000000', '#808080', '#ffff00', '#123456'];
    const patch = (colour: string) => `<i style="width:40px;height:180px;float:left;background:${colour}"></i>`;
    const url = pageOf(`<style>#mover { display: none }</style>${colours.map(patch).join('')}`);
    for (const { levels, extension, options } of [
      { levels: 0, extension: 'mkv', options: { lossless: true } },
      { levels: 2, extension: 'mp4', options: { crf: 18 } },
      { levels: 4, extension: 'mp4', options: {} },
    ]) {
      const { path, modes } = await render(url, { ...options, frameCount: 2 }, extension);
      assert.match(modes.join(), /^element/);
      const pixels = await pixelsOf(path);
      for (const [index, colour] of colours.entries()) {
        const at = (90 * 320 + index * 40 + 20) * 3;
        const wanted = [1, 3, 5].map((digit) => Number.parseInt(colour.slice(digit, digit + 2), 16));
        const off = wanted.map((value, channel) => Math.abs(value - pixels[at + channel]!));
        assert.ok(
          Math.max(...off) <= levels,
          `${colour} within ${levels}: ${[...pixels.subarray(at, at + 3)].join(' ')}`,
        );
      }
    }
  });

  it('draws every pixel of a scaled view', LONG, async () => {
    const url = pageOf('<p style="margin: 60px; font: 20px serif">Scaled</p>');
    const { hashes, modes } = await lossless(url, { frameCount: 3, scale: 2 });
    assert.deepEqual(modes, ['element']);
    assert.deepEqual(hashes, (await lossless(url, { frameCount: 3, scale: 2, mode: 'screenshot' })).hashes);
  });

  it('is compared in the block of a later chunk, on whose way there a trial of the page is begun', LONG, async () => {
    // What is behind the page is white in the canvas, and black in the dark.
    const url = pageOf('', `if (frame >= 25) document.documentElement.style.colorScheme = 'dark'`);
    const options = { ...SIZE, mode: 'element', lossless: true } as const;
    const hashesOf = async (warm: WarmBrowser, startFrame: number, frameCount: number) => {
      const name = ++renders;
      const [frameHashes, seamFiles] = [join(sandbox.root, `${name}.hashes`), join(sandbox.root, `${name}.seam`)];
      const renderer = new Renderer({ ...options, startFrame, frameCount, frameHashes, seamFiles });
      await renderer.render(url, join(sandbox.root, `${name}.mkv`), { warm });
      return readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
    };
    await using whole = new WarmBrowser();
    const wanted = await hashesOf(whole, 0, 55);
    await using warm = new WarmBrowser(() => true);
    await hashesOf(warm, 0, 25);
    assert.deepEqual(await hashesOf(warm, 50, 5), wanted.slice(50));
  });
});

describe('a page that cannot be drawn into a canvas', () => {
  for (const [what, reason, html] of [
    ['a frame', /element <iframe>/, '<iframe srcdoc="<p>framed"></iframe>'],
    ['a video', /element <video>/, '<video width="10" height="10"></video>'],
    ['a canvas', /element <canvas>/, '<canvas></canvas>'],
    ['depth', /<p> has the transform-style preserve-3d/, '<p style="transform-style:preserve-3d"><b>deep</b></p>'],
    ['an effect on its body', /<body> has a opacity/, '<style>body { opacity: 0.9 }</style>'],
    ['something over its body', /<html> has a ::after/, '<style>html::after { content: "x" }</style>'],
    ['a dialog', /top layer/, '<dialog id="box">box</dialog><script>box.showModal()</script>'],
    ['colours of the system', /differs .* by \d+\.\d levels/, '<style>html { color-scheme: dark }</style>'],
  ] as const) {
    const extent = ['depth', 'a dialog', 'colours of the system'].includes(what) ? {} : LONG;
    it(`because of ${what} is captured from the compositor, which says why`, extent, async () => {
      const { modes, reasons, warnings } = await render(pageOf(html), { frameCount: 2 });
      assert.deepEqual([modes, warnings], [['compositor'], []]);
      assert.match(reasons[0]!, reason);
    });
  }

  it('because of a picture of another origin is captured otherwise, which says why', LONG, async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><circle r="90" fill="red"/></svg>';
    await using other = await Server.serve({ 'a.svg': svg });
    for (const html of [
      `<img src="${other.url('a.svg')}">`,
      `<p style="background:url(${other.url('a.svg')})">back</p>`,
    ]) {
      const { modes, reasons } = await render(pageOf(html), { frameCount: 2 });
      assert.deepEqual(modes, ['compositor']);
      assert.match(reasons[0]!, /picture of another origin/);
    }
    const { modes, reasons } = await lossless(pageOf('<iframe srcdoc="<p>framed"></iframe>'), { frameCount: 2 });
    assert.deepEqual(modes, ['screenshot']);
    assert.match(reasons[0]!, /<iframe>/);
  });

  it('because its rules let nothing in is a screenshot, of the page as it is', LONG, async () => {
    const rules = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`;
    const path = join(sandbox.root, 'strict.html');
    writeFileSync(path, `<!doctype html>${rules}<body bgcolor="teal"><h1>Strict</h1>`);
    const url = pathToFileURL(path).href;
    const { modes, reasons, hashes } = await lossless(url, { frameCount: 2 });
    assert.deepEqual(modes, ['screenshot']);
    assert.match(reasons[0]!, /Content-Security-Policy/);
    assert.deepEqual(hashes, (await lossless(url, { frameCount: 2, mode: 'screenshot' })).hashes);
  });

  it('at some frames only is taken as a screenshot there, the same however the work is split', LONG, async () => {
    const url = pageOf(
      '<iframe srcdoc="<body bgcolor=gold>" id="box" hidden></iframe>',
      'box.hidden = frame < 4 || frame > 7',
    );
    const screenshots = await lossless(url, { mode: 'screenshot' });
    const one = await lossless(url, {});
    assert.deepEqual([one.modes, one.hashes], [['element'], screenshots.hashes]);
    assert.match(one.warnings.join(), /screenshots where that is so.*<iframe>/);
    assert.deepEqual((await lossless(url, { concurrency: 3 })).hashes, screenshots.hashes);
  });
});

describe('a page that looks otherwise in a canvas', () => {
  // What is behind the page is white in the canvas, and black in the dark.
  it('later on is taken as screenshots for 30 frames, the same however the work is split', LONG, async () => {
    const url = pageOf('', `if (frame >= 25) document.documentElement.style.colorScheme = 'dark'`);
    const one = await lossless(url, { frameCount: 64 });
    const screenshots = await lossless(url, { mode: 'screenshot', frameCount: 64 });
    assert.deepEqual(one.hashes.slice(30), screenshots.hashes.slice(30));
    assert.match(one.warnings.join(), /frames 30 to 59 .* differs from what the page shows/);
    const three = await lossless(url, { concurrency: 3, frameCount: 64 });
    assert.deepEqual(three.hashes, one.hashes);
    const encoded = await render(url, { frameCount: 64 });
    assert.deepEqual(encoded.modes, ['element encoded']);
  });

  it('at its last frames is told', async () => {
    const url = pageOf('', `if (frame >= 10) document.documentElement.style.colorScheme = 'dark'`);
    assert.match((await render(url, {})).warnings.join(), /frames 0 to 11 may not be what the page shows/);
  });

  it('is told from one whose edges are smoothed otherwise', () => {
    const [one, other] = [Buffer.alloc(64 * 32 * 4, 100), Buffer.alloc(64 * 32 * 4, 100)];
    for (let at = 0; at < one.length; at += 64) one[at] = other[at + 4] = 200;
    assert.equal(differenceOf(one, other, 64), '');
    assert.match(differenceOf(one, other.fill(200, 20 * 64 * 4, 22 * 64 * 4), 64), /from \d+,16/);
    assert.match(differenceOf(one, Buffer.alloc(one.length, 103), 64), /on average/);
    assert.match(differenceOf(one, one.subarray(256), 64), /size/);
  });
});

describe('a stop of a page that is drawn into a canvas', () => {
  for (const phase of ['load', 'capture', 'drain'] as const) {
    it(`by an abort in ${phase} leaves nothing, and is the reason`, async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const onEvent = atEvent(
        (event) => event.type === 'phase' && event.phase === phase && event.worker === 1,
        () => controller.abort(reason),
      );
      const { error } = await fail(sandbox, cards, { mode: 'element' }, { signal: controller.signal, onEvent });
      assert.equal(error, reason);
    });
  }

  it('by a killed browser is told with the place', async () => {
    let pid = 0;
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'process' && event.state === 'started' && event.role === 'browser' && event.worker === 1) {
        ({ pid } = event);
      }
      if (event.type === 'frame' && event.worker === 1 && event.rendered === 2) process.kill(pid, 'SIGKILL');
    };
    const { error } = await fail(sandbox, cards, { mode: 'element' }, { onEvent });
    assert.ok(error instanceof Error);
    assert.match(error.message, /worker 1/);
  });
});
