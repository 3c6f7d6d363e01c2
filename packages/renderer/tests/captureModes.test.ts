import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import { FrameTap } from '../src/capture/FrameTap.js';
import { ScreenshotSource } from '../src/capture/ScreenshotSource.js';
import { i420FromPng } from '../src/capture/i420.js';
import type { DistributedRenderOptions, RenderEvent } from '../src/index.js';
import { renderStill } from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { eachFrame } from './support/eachFrame.js';
import { isLong, LONG } from './support/extent.js';
import { atEvent, eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { probe } from './support/video.js';

const FRAMES = 12;
const SIZE = { width: 320, height: 180, fps: 30 };
const NO_HASHES = { frameHashes: undefined, frameCount: 2, concurrency: 1 };
/** For a test of what the compositor gives, whatever it shows. */
const SMALL = { width: 160, height: 90, mode: 'compositor' } as const;
// eslint-disable-next-line @typescript-eslint/unbound-method -- It is called with its object.
const { differenceFrom } = FrameTap.prototype;
const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

let renders = 0;

async function render(url: string, options: Partial<DistributedRenderOptions>, extension = 'mp4') {
  const frameHashes = 'frameHashes' in options ? undefined : join(sandbox.root, `${++renders}.hashes`);
  const events: RenderEvent[] = [];
  const onEvent = (event: RenderEvent) => void events.push(event);
  const all = { ...SIZE, frameCount: FRAMES, ...options, frameHashes };
  const { path } = await succeed(sandbox, url, all, { onEvent }, `${++renders}.${extension}`);
  const hashes = frameHashes === undefined ? [] : readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
  const captures = eventsOf(events, 'capture');
  const warnings = eventsOf(events, 'warning').map(({ message }) => message);
  return { path, hashes, captures, warnings };
}

/** The planes of one frame of a video. */
async function planesOf(path: string, frame: number, name = 'frame.yuv'): Promise<Buffer> {
  const raw = join(sandbox.root, name);
  const select = ['-vf', `select=eq(n\\,${frame})`, '-vframes', '1', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', raw];
  const { code, stderr } = await runCommand('ffmpeg', ['-v', 'error', '-y', '-i', path, ...select]);
  assert.equal(code, 0, stderr);
  return readFileSync(raw);
}

async function planesOfStill(url: string, frame: number): Promise<Buffer> {
  const path = join(sandbox.root, 'still.png');
  await renderStill(url, path, { ...SIZE, frame });
  return i420FromPng(readFileSync(path));
}

let cards: Promise<string[]> | undefined;

/** The hashes of the frames of the cards, as the compositor gives them. */
async function cardsHashes(): Promise<string[]> {
  cards ??= render(page('cards'), { mode: 'compositor', concurrency: 1 }).then(({ hashes }) => hashes);
  return cards;
}

for (const [name, extent] of [
  ['cards', {}],
  ['simulation', LONG],
  ['webgl', LONG],
] as const) {
  describe(`compositor capture of ${name}`, extent, () => {
    it('gives the same planes however the work is split, and those of the stills', async () => {
      const one = await render(page(name), { mode: 'compositor', lossless: true, concurrency: 1 }, 'mkv');
      assert.deepEqual(one.warnings, []);
      const how = one.captures.map(({ mode, encoded }) => [mode, encoded]);
      assert.deepEqual(how, [['compositor', false]]);
      const three = await render(page(name), { mode: 'compositor', lossless: true, concurrency: 3 }, 'mkv');
      assert.deepEqual(three.hashes, one.hashes);
      assert.equal(new Set(one.hashes.map((line) => line.split(' ')[1])).size, FRAMES, 'no frame is another one');
      for (const frame of [0, 7]) {
        assert.ok((await planesOf(one.path, frame)).equals(await planesOfStill(page(name), frame)), `frame ${frame}`);
      }
    });
  });
}

describe('the first frame of each file', () => {
  // One that is drawn as soon as the page is captured, and one that has nothing new to draw.
  for (const [name, extent] of [
    ['cards', {}],
    ['simulation', LONG],
  ] as const) {
    it(`is compared with its screenshot, of ${name} too`, extent, async (context: TestContext) => {
      const compared = context.mock.method(FrameTap.prototype, 'differenceFrom');
      await render(page(name), { mode: 'compositor', concurrency: 3, frameCount: 6 });
      assert.equal(compared.mock.callCount(), 3);
      for (const { result } of compared.mock.calls) assert.equal(await result, '');
    });
  }

  it('is right where the last thing to change did so in the frame before it', async (context) => {
    const code = `box.style.left = Math.min(frame, 3) * 20 + 'px';`;
    const url = sandbox.page(
      `<!doctype html><div id="box" style="position:absolute;width:50px;height:50px;background:teal"></div>
       ${eachFrame(code)}`,
      'settled.html',
    );
    const opened = context.mock.method(FrameTap.prototype, 'captureTab');
    const compared = context.mock.method(FrameTap.prototype, 'differenceFrom');
    // The page stands still from frame 3 on; one chunk begins where the other's page stands still, too.
    const options = { ...SMALL, startFrame: 4, frameCount: 4, chunkFrames: 2, concurrency: 1 };
    const { warnings } = await render(url, options);
    assert.deepEqual(warnings, []);
    assert.equal(opened.mock.callCount(), 1);
    assert.deepEqual(await Promise.all(compared.mock.calls.map(async ({ result }) => await result)), ['', '']);
  });

  it('is captured at every frame at which slides come in and come to rest', LONG, async (context) => {
    const opened = context.mock.method(FrameTap.prototype, 'captureTab');
    const slides = pathToFileURL(join(import.meta.dirname, '../../../bench/pages/slides.html')).href;
    const { warnings } = await render(slides, { ...SMALL, startFrame: 70, frameCount: 16, chunkFrames: 1 });
    assert.deepEqual(warnings, []);
    assert.equal(opened.mock.callCount(), 2, 'once for each worker');
  });

  it('is taken from a capture that is opened anew where the two differ', async (context) => {
    const right = await cardsHashes();
    const told = ['a trace', '', ''];
    const compared = context.mock.method(
      FrameTap.prototype,
      'differenceFrom',
      async function (this: FrameTap, png: Buffer) {
        return (await differenceFrom.call(this, png)) || told.shift()!;
      },
    );
    const opened = context.mock.method(FrameTap.prototype, 'captureTab');
    const again = await render(page('cards'), { mode: 'compositor', frameCount: 4, concurrency: 1 });
    assert.deepEqual(again.hashes, right.slice(0, 4));
    assert.deepEqual(again.warnings, []);
    assert.deepEqual([opened.mock.callCount(), compared.mock.callCount()], [2, 2]);
  });

  it('and all after it are made from screenshots where they differ once more', async (context) => {
    const right = await cardsHashes();
    const compared = context.mock.method(FrameTap.prototype, 'differenceFrom', () => Promise.resolve('a trace'));
    const taken = context.mock.method(FrameTap.prototype, 'take');
    const doubted = await render(page('cards'), { mode: 'compositor', concurrency: 1 });
    assert.deepEqual(doubted.hashes, right);
    assert.equal(doubted.warnings.length, 1);
    assert.match(doubted.warnings[0]!, /differs from the screenshot \(a trace\)/);
    assert.deepEqual([compared.mock.callCount(), taken.mock.callCount()], [2, 0]);
  });

  for (const mode of ['compositor', 'canvas'] as const) {
    it(`is told from a picture of which one pixel is another, in mode ${mode}`, async (context) => {
      const seen: string[] = [];
      context.mock.method(FrameTap.prototype, 'differenceFrom', async function (this: FrameTap, png: Buffer) {
        const other = PNG.sync.read(png);
        // The last pixel of all.
        const at = other.data.length - 4;
        other.data[at + 1] = (other.data[at + 1]! + 128) % 256;
        seen.push(await differenceFrom.call(this, png), await differenceFrom.call(this, PNG.sync.write(other)));
        return '';
      });
      await render(page('simulation'), { mode, concurrency: 1, frameCount: 2 });
      assert.deepEqual(seen, ['', 'it differs from row 128 on']);
    });
  }
});

describe('the size of a picture', () => {
  it('stays that of the video, whatever the page wants to fill or change, in every way of capture', async () => {
    const wants = (what: string) => `
      const wish = ${what};
      wish.requestFullscreen().then(() => said.push('it fills the screen'), () => said.push('refused'));
      resizeTo(500, 300); resizeBy(9, 9); moveTo(5, 5); moveBy(1, 1);`;
    const said = `said.join(' ') + [innerWidth, innerHeight, document.fullscreenEnabled]`;
    sandbox.page(
      `<!doctype html><p id="word"></p>${eachFrame(
        `if (frame === 1) { ${wants('word')} } word.textContent = frame + ${said};`,
        'const said = [];',
      )}`,
      'inner.html',
    );
    const url = sandbox.page(
      `<!doctype html><meta name="viewport" content="width=90, initial-scale=2"><p id="word"></p>
       <iframe src="inner.html" allow="fullscreen" style="width:150px;height:50px"></iframe>
       ${eachFrame(
         `if (frame === 2) { ${wants('document.documentElement')} }
          if (frame === 4) document.exitFullscreen().catch(() => said.push('no exit'));
          if (frame === 5) document.documentElement.style.zoom = 2;
          const { isActive, hasBeenActive } = navigator.userActivation;
          word.textContent = frame + ${said} + isActive + hasBeenActive;`,
         'const said = [];',
       )}`,
      'filling.html',
    );
    const { path, warnings } = await render(
      url,
      { mode: 'compositor', lossless: true, frameCount: 7, concurrency: 1 },
      'mkv',
    );
    assert.deepEqual(warnings, []);
    for (const frame of [3, 6]) {
      assert.ok((await planesOf(path, frame)).equals(await planesOfStill(url, frame)), `frame ${frame}`);
    }
  });

  it('is looked at: another one fails the render, with both sizes and the place', async () => {
    for (const beginFrameControl of [true, false]) {
      const png = PNG.sync.write(new PNG({ width: 32, height: 18 }));
      const frames = { begin: () => Promise.resolve(png), screenshot: () => Promise.resolve(png) };
      const scope = { position: { worker: 1, frame: 7, phase: 'capture' } };
      const options = { pixelWidth: 16, pixelHeight: 18, deadlines: { capture: 1000 } };
      const source = new ScreenshotSource({ frames, scope, options, session: { beginFrameControl } } as never);
      const said = /^BrowserCrashError: worker 1, frame 7 \(capture\): .* 32x18 pixels instead of 16x18/;
      await assert.rejects(source.picture(), (error) => said.test(String(error)));
    }
  });
});

/** A page with one canvas and some more, whose script draws a square that moves. */
function canvasPage({ style = '', attributes = '', more = '', script = '' } = {}): string {
  const code = `
    context.fillStyle = 'teal';
    context.fillRect(0, 0, 320, 180);
    context.fillStyle = 'gold';
    context.fillRect(10 * frame, 40, 50, 50);
    ${script}`;
  return sandbox.page(
    `<!doctype html><style>body { margin: 0 } ${style}</style>
     <canvas id="canvas" width="320" height="180" ${attributes}></canvas>${more}
     ${eachFrame(code, `const context = canvas.getContext('2d');`)}`,
    `canvas-${++renders}.html`,
  );
}

describe('capture of a canvas', () => {
  for (const [name, extent, inputProps] of [
    ['simulation', LONG, {}],
    ['webgl', LONG, {}],
    // No frame has anything of the one before it, though the page clears nothing and the browser shows nothing.
    ['webgl-scenes', {}, { scene: 'always', alone: true }],
  ] as const) {
    it(`gives the pixels of screenshots of ${name}, however the work is split`, extent, async () => {
      const lossless = { lossless: true, inputProps } as const;
      const screenshots = await render(page(name), { ...lossless, mode: 'screenshot', concurrency: 1 }, 'mkv');
      for (const concurrency of isLong ? [1, 3] : [2]) {
        const { hashes, captures, warnings } = await render(
          page(name),
          { ...lossless, mode: 'canvas', concurrency },
          'mkv',
        );
        assert.deepEqual(hashes, screenshots.hashes);
        assert.deepEqual(warnings, []);
        assert.deepEqual(new Set(captures.map(({ mode }) => mode)), new Set(['canvas']));
      }
    });
  }

  it('reads WebGL as a screenshot shows it, however the page has set its own reading, which stays as it was', async () => {
    const setUp = `
      const gl = canvas.getContext('webgl2');
      gl.readBuffer(gl.NONE);
      const elsewhere = gl.createFramebuffer();
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, elsewhere);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
      for (const [name, value] of [['ALIGNMENT', 8], ['ROW_LENGTH', 7], ['SKIP_PIXELS', 3], ['SKIP_ROWS', 2]]) {
        gl.pixelStorei(gl['PACK_' + name], value);
      }
      const state = () => [
        gl.getParameter(gl.READ_FRAMEBUFFER_BINDING) === elsewhere,
        gl.getParameter(gl.PIXEL_PACK_BUFFER_BINDING) === buffer,
        ...['ALIGNMENT', 'ROW_LENGTH', 'SKIP_PIXELS', 'SKIP_ROWS'].map((name) => gl.getParameter(gl['PACK_' + name])),
      ].join();
      const before = state();
      const box = (red, green, ...place) => {
        gl.scissor(...place);
        gl.clearColor(red, green, 0.5, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
      };
      gl.enable(gl.SCISSOR_TEST);`;
    const code = `
      box(0.25, 0.75, 0, 0, 320, 180);
      box(1, 0.5, 10 * frame, 40, 50, 20);
      if (state() !== before) throw new Error(state());
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
      if (gl.getParameter(gl.READ_BUFFER) !== gl.NONE) throw new Error('it reads from elsewhere');
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, elsewhere);`;
    const url = sandbox.page(
      `<!doctype html><style>body { margin: 0 } canvas { display: block }</style>
       <canvas id="canvas" width="320" height="180"></canvas>${eachFrame(code, setUp)}`,
      'reading.html',
    );
    const screenshots = await render(url, { lossless: true, mode: 'screenshot', concurrency: 1 }, 'mkv');
    const { hashes, warnings } = await render(url, { lossless: true, mode: 'canvas', concurrency: 1 }, 'mkv');
    assert.deepEqual(hashes, screenshots.hashes);
    assert.deepEqual(warnings, []);
  });

  for (const [what, reason, parts] of [
    ['under another element', /<p> may be seen/, { more: '<p style="position:fixed;top:9px">over it</p>' }],
    ['smaller than the view', /measures 160x90/, { attributes: 'style="height:90px"' }],
    ['faded', /opacity/, { style: 'canvas { opacity: 0.5 }' }],
    ['tinted by a parent', /<body> around its canvas has a filter/, { style: 'body { filter: sepia(1) }' }],
    ['under its own outline', /outline-style/, { style: 'canvas { outline: 2px solid; outline-offset: -9px }' }],
    ['transparent', /partly transparent/, { script: 'context.clearRect(0, 0, 20, 20)' }],
    ['one of two', /more than one canvas/, { more: '<canvas></canvas>' }],
    ['no canvas at all', /no canvas/, { style: 'canvas { display: none }' }],
  ] as const) {
    const extent = ['smaller than the view', 'transparent'].includes(what) ? {} : LONG;
    it(`is refused where it is ${what}: with the reason, or by another way`, extent, async () => {
      const url = canvasPage(parts);
      const { error } = await fail(sandbox, url, { ...SIZE, mode: 'canvas', concurrency: 1 });
      assert.match(String(error), reason);
      const { captures } = await render(url, { frameHashes: undefined, frameCount: 2, concurrency: 1 });
      assert.deepEqual(captures, [{ type: 'capture', worker: 0, mode: 'compositor', encoded: false }]);
    });
  }

  it('takes a screenshot of each frame in which something is over the canvas, and says so once', LONG, async () => {
    const script = `document.getElementById('over').hidden = frame < 5 || frame > 7`;
    const url = canvasPage({ more: '<b id="over" style="position:fixed;top:9px" hidden>over it</b>', script });
    const screenshots = await render(url, { lossless: true, mode: 'screenshot', concurrency: 1 }, 'mkv');
    const { hashes, warnings } = await render(url, { lossless: true, mode: 'canvas', concurrency: 2 }, 'mkv');
    assert.deepEqual(hashes, screenshots.hashes);
    assert.equal(warnings.length, 2, 'one for each worker');
    assert.match(warnings[0]!, /<b> may be seen beside its canvas/);
  });
});

describe('the way of capture', () => {
  const how = ({ captures }: Awaited<ReturnType<typeof render>>) =>
    captures.map(({ mode, encoded }) => [mode, encoded]);
  it('is the compositor, or the canvas with the encoder of the browser; a screenshot for other pixels', async () => {
    assert.deepEqual(how(await render(page('cards'), NO_HASHES)), [['compositor', false]]);
    assert.deepEqual(how(await render(page('webgl'), NO_HASHES)), [['canvas', true]]);
    assert.deepEqual(how(await render(page('webgl'), { ...NO_HASHES, crf: 20, webgl: 'swiftshader' })), [
      ['compositor', false],
    ]);
    assert.deepEqual(how(await render(page('cards'), { ...NO_HASHES, pixelFormat: 'yuv444p' })), [
      ['screenshot', false],
    ]);
    assert.deepEqual(how(await render(page('cards'), { ...NO_HASHES, lossless: true }, 'mkv')), [
      ['screenshot', false],
    ]);
  });

  it('is the same where it may be fast', LONG, async () => {
    assert.deepEqual(how(await render(page('cards'), { ...NO_HASHES, fast: true })), [['compositor', false]]);
    assert.deepEqual(how(await render(page('webgl'), { ...NO_HASHES, fast: true })), [['canvas', true]]);
  });

  it('holds a frame that changes nothing, also the first', async () => {
    const path = join(sandbox.root, 'still.html');
    writeFileSync(path, '<body style="background: teal"><h1>Still</h1></body>');
    const { hashes, warnings } = await render(pathToFileURL(path).href, { mode: 'compositor', concurrency: 1 });
    assert.equal(hashes.length, FRAMES);
    assert.deepEqual(warnings, []);
    assert.equal(new Set(hashes.map((line) => line.split(' ')[1])).size, 1);
  });

  it('is the screenshot, and says why, where the page lets nothing be fetched', async () => {
    const path = join(sandbox.root, 'strict.html');
    const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`;
    writeFileSync(path, `${policy}<body>Strict</body>`);
    const { captures } = await render(pathToFileURL(path).href, { fast: true, frameCount: 2, concurrency: 1 });
    const [capture] = captures;
    assert.equal(capture?.mode, 'screenshot');
    assert.match(capture.reason ?? '', /Content-Security-Policy/);
  });

  it('keeps colours, and says what they are', LONG, async () => {
    const path = join(sandbox.root, 'chart.html');
    const colours = ['#ff0000', '#00ff00', '#0000ff', '#ffffff', '#000000', '#808080', '#ffff00', '#123456'];
    const patches = colours.map(
      (colour) => `<div style="width:40px;height:180px;float:left;background:${colour}"></div>`,
    );
    writeFileSync(path, `<body style="margin:0">${patches.join('')}</body>`);
    // Planes of 8 bits in limited range, and then a codec: the browser's own is coarser.
    const canvas = canvasPage({
      script: colours
        .map((colour, index) => `context.fillStyle = '${colour}'; context.fillRect(${index * 40}, 0, 40, 180);`)
        .join('\n'),
    });
    for (const { levels, url = pathToFileURL(path).href, ...options } of [
      { levels: 2, mode: 'compositor' as const },
      { levels: 2, mode: 'compositor' as const, fast: true },
      { levels: 2, mode: 'screenshot' as const },
      { levels: 2, mode: 'canvas' as const, crf: 18, url: canvas },
      { levels: 4, mode: 'canvas' as const, frameHashes: undefined, url: canvas },
    ]) {
      const { path: video } = await render(url, { ...options, frameCount: 2 });
      const rgb = join(sandbox.root, 'chart.rgb');
      const args = ['-v', 'error', '-y', '-i', video, '-vframes', '1', '-sws_flags', 'accurate_rnd+full_chroma_int'];
      await runCommand('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', rgb]);
      const pixels = readFileSync(rgb);
      for (const [index, colour] of colours.entries()) {
        const at = (90 * 320 + index * 40 + 20) * 3;
        const wanted = [1, 3, 5].map((digit) => Number.parseInt(colour.slice(digit, digit + 2), 16));
        const off = wanted.map((value, channel) => Math.abs(value - pixels[at + channel]!));
        assert.ok(
          Math.max(...off) <= levels,
          `${colour} ${JSON.stringify(options)}: ${[...pixels.subarray(at, at + 3)].join(' ')}`,
        );
      }
    }
  });
});

describe('the encoder of the browser', () => {
  it('gives every frame at its time, in chunks that begin with a key frame', async () => {
    const { path, captures } = await render(page('simulation'), {
      frameHashes: undefined,
      concurrency: 2,
      fps: '30000/1001',
    });
    assert.deepEqual(
      captures.map(({ encoded }) => encoded),
      [true, true],
    );
    const { stream, packets } = await probe(path);
    assert.deepEqual([stream['codec_name'], stream['color_space'], stream['nb_read_frames']], ['h264', 'bt709', '12']);
    const keys = packets.flatMap(({ flags }, frame) => (flags.startsWith('K') ? [frame] : []));
    assert.deepEqual(keys, [0, 6]);
  });

  it('gets the first frame of WebGL from its canvas, which the comparison with the page has emptied', async (context) => {
    const given = context.mock.method(FrameTap.prototype, 'encodePixels');
    const { warnings } = await render(page('webgl'), { ...NO_HASHES, frameCount: 4 });
    assert.deepEqual(warnings, []);
    assert.equal(given.mock.callCount(), 0);
  });

  it('encodes a canvas by itself, and what had to be taken otherwise in the same colours', async () => {
    const script = `document.getElementById('over').hidden = frame !== 5`;
    const url = canvasPage({ more: '<b id="over" style="position:fixed;top:0" hidden>over</b>', script });
    const { path, captures } = await render(url, { frameHashes: undefined, concurrency: 2 });
    assert.deepEqual(new Set(captures.map(({ mode, encoded }) => `${mode} ${encoded}`)), new Set(['canvas true']));
    const { stream } = await probe(path);
    assert.deepEqual(
      ['codec_name', 'color_space', 'color_range', 'pix_fmt', 'nb_read_frames'].map((name) => stream[name]),
      ['h264', 'bt709', 'tv', 'yuv420p', '12'],
    );
    // A patch of teal that nothing is over, in every frame.
    const brightness = await Promise.all(
      [4, 5, 6].map(async (frame) => (await planesOf(path, frame, `${frame}.yuv`))[150 * 320 + 300]!),
    );
    assert.ok(Math.max(...brightness) - Math.min(...brightness) <= 2, brightness.join(' '));
  });
});

// The other suites stop renders that take planes from the compositor, of pages that are no canvas.
for (const [name, mode, url, extent] of [
  ['the encoder of the browser', { mode: 'canvas' }, page('simulation'), {}],
  ['capture of a canvas', { mode: 'canvas', crf: 18 }, page('simulation'), LONG],
  ['screenshots', { mode: 'screenshot' }, page('cards'), LONG],
] as const) {
  describe(`a stop of ${name}`, extent, () => {
    for (const phase of ['launch', 'load', 'capture', 'drain'] as const) {
      // How the picture is made matters once it is.
      const late = phase === 'capture' || phase === 'drain' ? {} : LONG;
      it(`by an abort in ${phase} leaves nothing, and is the reason`, late, async () => {
        const controller = new AbortController();
        const reason = new Error('enough');
        const onEvent = atEvent(
          (event) => event.type === 'phase' && event.phase === phase && event.worker === 1,
          () => controller.abort(reason),
        );
        const { error } = await fail(sandbox, url, { ...SIZE, ...mode }, { signal: controller.signal, onEvent });
        assert.equal(error, reason);
      });
    }

    for (const role of ['browser', 'encoder']) {
      it(`by a killed ${role} is told with the place`, async () => {
        let pid = 0;
        const onEvent = (event: RenderEvent) => {
          if (event.type === 'process' && event.state === 'started' && event.role === role && event.worker === 1) {
            ({ pid } = event);
          }
          if (event.type === 'frame' && event.worker === 1 && event.rendered === 2) process.kill(pid, 'SIGKILL');
        };
        const { error, receipt } = await fail(sandbox, url, { ...SIZE, ...mode }, { onEvent });
        assert.ok(error instanceof Error);
        assert.equal(receipt.first.worker, 1);
        assert.match(error.message, /worker 1/);
      });
    }
  });
}
