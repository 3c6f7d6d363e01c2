import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AssetError, RenderOrchestrator, type DistributedRenderOptions, type RenderEvent } from '../src/index.js';
import { PageContexts } from '../src/browser/PageContexts.js';
import { LONG } from './support/extent.js';
import { CELL, frameTimes, makeBarcodes, readBarcodes } from './support/barcodes.js';
import { eventsOf } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const FPS = 30;
const COLUMNS = 4;
const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '12'];
const VP9 = ['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuv420p', '-g', '12', '-deadline', 'realtime', '-cpu-used', '8'];
const RATES = { 24: '24', 25: '25', ntsc: '30000/1001', 60: '60' };
const SECONDS = 1;

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

/** When the frames of each video begin, in seconds. */
const times = new Map<string, number[]>();

before(async () => {
  const folder = sandbox.inputs;
  const videos = Object.entries(RATES).flatMap(([name, rate]) => [
    [`${name}.mp4`, rate, H264] as const,
    [`${name}.webm`, rate, VP9] as const,
  ]);
  for (const [name, rate, encoder] of videos) {
    await makeBarcodes(folder, name, rate, SECONDS, encoder);
    times.set(name, await frameTimes(join(folder, name)));
  }
  await makeBarcodes(folder, 'loop.gif', '10', 0.4, ['-loop', '0']);
  await makeBarcodes(folder, 'fast.gif', '50', 0.4, ['-loop', '0']);
  await makeBarcodes(folder, 'twice.png', '10', 0.3, ['-pix_fmt', 'rgb24', '-plays', '2', '-f', 'apng']);
  await makeBarcodes(folder, 'still.png', '10', 0.4, ['-vf', 'select=eq(n\\,3)', '-frames:v', '1']);
  await makeBarcodes(folder, 'odd.webp', '12.5', 0.4, ['-c:v', 'libwebp_anim', '-lossless', '1', '-loop', '0']);
});

/** Renders a page without loss; returns the numbers in its cells by frame, the frames' hashes and what it said. */
async function render(html: string, frameCount: number, options: Partial<DistributedRenderOptions> = {}, rows = 1) {
  const url = sandbox.page(`<!doctype html><style>
    body { margin: 0; background: black; display: grid; grid-template-columns: repeat(${COLUMNS}, ${CELL.width}px); }
    body > *, video, img { width: ${CELL.width}px; height: ${CELL.height}px; display: block; border: 0; }
    script { display: none; }
    </style><body><script>const say = (...values) => console.log(JSON.stringify(values));</script>${html}`);
  const [width, height] = [COLUMNS * CELL.width, rows * CELL.height];
  const events: RenderEvent[] = [];
  const out = join(sandbox.root, 'out.mkv');
  const frameHashes = join(sandbox.root, 'out.hashes');
  const all = { width, height, fps: FPS, frameCount, lossless: true, concurrency: 1, frameHashes, ...options };
  await RenderOrchestrator.render(url, out, all, { onEvent: (event) => void events.push(event) });
  const cells = await readBarcodes(out, width, height);
  const said = eventsOf(events, 'page-console').map(({ text }) => JSON.parse(text) as unknown[]);
  const hashes = readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
  return { cells, said, hashes };
}

/** The frame that a video shows at a time, in seconds: the last one that has begun, also past the end. */
function frameAt(video: string, seconds: number): number {
  const starts = times.get(video)!.slice(0, -1);
  // WebM rounds times to 1 ms.
  return Math.max(0, starts.filter((start) => start <= seconds + 0.0006).length - 1);
}

const column = (cells: number[][], index: number) => cells.map((row) => row[index]);
const perFrame = <T>(count: number, value: (frame: number) => T) => Array.from({ length: count }, (_, n) => value(n));

describe('a video', () => {
  for (const mode of ['screenshot', 'compositor'] as const) {
    const extent = mode === 'screenshot' ? LONG : {};
    it(
      `shows the source frame of its time, at any frame rate, coded in h264 or vp9, captured by ${mode}`,
      extent,
      async () => {
        const names = [...times.keys()];
        const videos = names.map((name) => `<video src="${name}" autoplay muted></video>`);
        const { cells } = await render(videos.join(''), 14, { mode }, 2);
        for (const [index, name] of names.entries()) {
          assert.deepEqual(
            column(cells, index),
            perFrame(14, (n) => frameAt(name, n / FPS)),
            name,
          );
        }
      },
    );

    it(
      `is in the first picture in which it can be seen, wherever it was before, captured by ${mode}`,
      extent,
      async () => {
        const hidden = ['display: none', 'opacity: 0', 'visibility: hidden', 'translate: 0 9000px'];
        const html = `${hidden.map((style) => `<video src="25.mp4" muted style="${style}"></video>`).join('')}
        <video src="25.mp4" muted></video><div style="background: black; margin-left: -${CELL.width}px; z-index: 1"></div>
        <script>
          const videos = [...document.querySelectorAll('video')];
          const last = document.createElement('video');
          Object.assign(last, { src: '25.mp4', muted: true });
          videos.push(last);
          for (const video of videos) video.currentTime = 0.2;
          for (const video of videos) video.play();
          requestAnimationFrame(function draw() {
            requestAnimationFrame(draw);
            if (genlock.frame !== 4) return;
            for (const video of videos) video.removeAttribute('style');
            document.querySelector('div').replaceWith(last);
          });
        </script>`;
        const { cells } = await render(html, 8, { mode }, 2);
        for (let index = 0; index < 6; index++) {
          assert.deepEqual(
            column(cells, index).slice(4),
            perFrame(8, (n) => frameAt('25.mp4', 0.2 + n / FPS)).slice(4),
            `cell ${index}`,
          );
        }
      },
    );
  }

  it('is known to come into view, however it was hidden', async (context) => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- It is called with its object.
    const { evaluateAll } = PageContexts.prototype;
    const frames = new Set<unknown>();
    context.mock.method(PageContexts.prototype, 'evaluateAll', async function (this: PageContexts, expression: string) {
      const answers = await evaluateAll.call(this, expression);
      if (answers.includes('appeared')) for (const frame of await evaluateAll.call(this, 'frame')) frames.add(frame);
      return answers;
    });
    const video = (style: string) => `<video src="25.mp4" muted style="${style}"></video>`;
    // None of what clips has a height, and the first two do not clip what lies in the view.
    const html = `<style>body { overflow: hidden; height: 0 } section { overflow: hidden; height: 0 } video { position: absolute }</style>
      ${video('display: none')}<section>${video('display: none')}</section>
      <section style="position: relative">${video('')}</section>${video('opacity: 0')}
      <script>
        const changes = [
          (videos) => (videos[0].style.display = ''),
          (videos) => (videos[1].style.display = ''),
          (videos) => (videos[2].parentElement.style.height = '20px'),
          (videos) => (videos[3].style.opacity = 1),
        ];
        requestAnimationFrame(function draw() {
          requestAnimationFrame(draw);
          changes[genlock.frame / 2 - 1]?.(document.querySelectorAll('video'));
        });
      </script>`;
    await render(html, 10, { mode: 'compositor' });
    assert.deepEqual([...frames], [2, 4, 6, 8]);
  });

  it('plays at its rate, from a place to another, past its end and in a loop', async () => {
    const { cells } = await render(
      `<video src="24.mp4" id="half"></video><video src="60.mp4" id="double"></video>
      <video src="25.webm#t=0.3,0.5" autoplay></video><video src="24.mp4" id="late"></video>
      <video src="24.webm" loop id="loop"></video><video src="24.mp4" id="paused"></video>
      <video id="sourced"><source src="missing.ogv" type="video/none"><source src="ntsc.mp4"></video>
      <script>
        const at = (id, rate, time) => { Object.assign(globalThis[id], { playbackRate: rate, currentTime: time }); globalThis[id].play(); };
        at('half', 0.5, 0); at('double', 2, 0); at('late', 1, 0.9); at('loop', 1, 0.8); at('sourced', 1, 0);
        paused.currentTime = 0.5;
        requestAnimationFrame(function draw() {
          requestAnimationFrame(draw);
          if (genlock.frame === 6) paused.play();
          if (genlock.frame === 9) paused.pause();
        });
      </script>`,
      14,
      {},
      2,
    );
    const expected: ((n: number) => number)[] = [
      (n) => frameAt('24.mp4', n / FPS / 2),
      (n) => frameAt('60.mp4', (n * 2) / FPS),
      (n) => frameAt('25.webm', Math.min(0.5, 0.3 + n / FPS)),
      (n) => frameAt('24.mp4', 0.9 + n / FPS),
      (n) => frameAt('24.webm', (0.8 + n / FPS) % times.get('24.webm')!.at(-1)!),
      (n) => frameAt('24.mp4', 0.5 + Math.min(3, Math.max(0, n - 6)) / FPS),
      (n) => frameAt('ntsc.mp4', n / FPS),
    ];
    for (const [index, frame] of expected.entries()) {
      assert.deepEqual(column(cells, index), perFrame(14, frame), `cell ${index}`);
    }
  });

  it('is in step in canvases, WebGL, shadow roots, iframes and VideoFrames', LONG, async () => {
    const frames = 8;
    const { cells, said } = await render(
      `<canvas width="64" height="16"></canvas><canvas width="64" height="16"></canvas><div></div>
      <iframe srcdoc="<body style='margin: 0'><video src='24.mp4' autoplay muted style='display: block; width: 64px'>"></iframe>
      <script>
        const video = document.createElement('video');
        Object.assign(video, { src: '24.mp4', muted: true });
        video.play();
        const [flat, deep] = document.querySelectorAll('canvas');
        document.querySelector('div').attachShadow({ mode: 'closed' }).innerHTML = '<video src="24.mp4" autoplay muted style="display: block; width: 64px">';
        const picture = flat.getContext('2d');
        const gl = deep.getContext('webgl', { preserveDrawingBuffer: true });
        const program = gl.createProgram();
        for (const [type, source] of [
          [gl.VERTEX_SHADER, 'attribute vec2 at; varying vec2 uv; void main() { uv = vec2(at.x, 1. - at.y); gl_Position = vec4(at * 2. - 1., 0, 1); }'],
          [gl.FRAGMENT_SHADER, 'precision highp float; varying vec2 uv; uniform sampler2D video; void main() { gl_FragColor = texture2D(video, uv); }'],
        ]) {
          const shader = gl.createShader(type);
          gl.shaderSource(shader, source);
          gl.compileShader(shader);
          gl.attachShader(program, shader);
        }
        gl.linkProgram(program);
        gl.useProgram(program);
        gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
        gl.enableVertexAttribArray(0);
        gl.bindAttribLocation(program, 0, 'at');
        gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
        gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
        for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        requestAnimationFrame(function draw() {
          requestAnimationFrame(draw);
          picture.drawImage(video, 0, 0);
          gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, video);
          gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
          const frame = new VideoFrame(video);
          say('frame', Math.round(frame.timestamp * 24 / 1e6));
          frame.close();
        });
      </script>`,
      frames,
    );
    const expected = perFrame(frames, (n) => frameAt('24.mp4', n / FPS));
    for (let index = 0; index < COLUMNS; index++) assert.deepEqual(column(cells, index), expected, `cell ${index}`);
    assert.deepEqual(
      said.map(([, frame]) => frame),
      expected,
    );
  });

  it('tells of its playing in virtual time, each frame once', LONG, async () => {
    const html = `<video src="24.mp4"></video><script>
      const video = document.querySelector('video');
      for (const type of ['play', 'playing', 'seeking', 'seeked', 'pause', 'timeupdate', 'ended'])
        video.addEventListener(type, () => say(type, genlock.frame, Math.round(video.currentTime * 1e3), video.paused, video.ended));
      video.requestVideoFrameCallback(function next(now, { mediaTime, presentedFrames, width }) {
        say('frame', genlock.frame, Math.round(mediaTime * 24), presentedFrames, width, now === performance.now());
        video.requestVideoFrameCallback(next);
      });
      requestAnimationFrame(function draw() {
        requestAnimationFrame(draw);
        if (genlock.frame === 2) video.play().then(() => say('plays', genlock.frame));
        if (genlock.frame === 5) genlock.waitUntil(new Promise((resolve) => {
          video.addEventListener('seeked', resolve);
          video.currentTime = 0.9;
        }));
      });
    </script>`;
    const whole = await render(html, 10);
    const chunk = await render(html, 3, { startFrame: 7 });
    assert.deepEqual(chunk.said, whole.said);
    assert.deepEqual(
      whole.said.filter(([topic]) => topic !== 'frame'),
      [
        ['play', 2, 0, false, false],
        ['plays', 2],
        ['playing', 2, 0, false, false],
        ['seeking', 5, 900, false, false],
        ['timeupdate', 5, 900, false, false],
        ['seeked', 5, 900, false, false],
        ['timeupdate', 8, 1000, true, true],
        ['pause', 8, 1000, true, true],
        ['ended', 8, 1000, true, true],
      ],
    );
    assert.deepEqual(
      whole.said.filter(([topic]) => topic === 'frame'),
      [
        ['frame', 0, 0, 1, 64, true],
        ['frame', 4, 1, 2, 64, true],
        ['frame', 5, 2, 3, 64, true],
        ['frame', 5, 21, 4, 64, true],
        ['frame', 6, 22, 5, 64, true],
        ['frame', 7, 23, 6, 64, true],
      ],
    );
  });

  it('is waited for where the browser is slow to show what it has decoded', async () => {
    await makeBarcodes(sandbox.inputs, 'same.mp4', String(FPS), SECONDS, H264);
    // What is seen of the video is six looks old, as on a machine that has much to do: first nothing, then its start.
    const { said } = await render(
      `<video src="same.mp4" muted></video><script>
        const Real = VideoFrame;
        const start = { timestamp: 0, duration: 1e6 / ${FPS}, close() {} };
        const pictures = [undefined, ...Array(5).fill(start)];
        globalThis.VideoFrame = function (video) {
          pictures.push(undefined);
          try {
            const { timestamp, duration } = new Real(video);
            pictures[pictures.length - 1] = { timestamp, duration, close() {} };
          } catch {}
          const shown = pictures.at(-7);
          if (!shown) throw new DOMException('It shows nothing yet', 'InvalidStateError');
          return shown;
        };
        const video = document.querySelector('video');
        video.currentTime = 0.5;
        video.play();
        video.requestVideoFrameCallback(function next(now, { mediaTime }) {
          say(genlock.frame, Math.round(mediaTime * ${FPS}));
          video.requestVideoFrameCallback(next);
        });
      </script>`,
      12,
    );
    assert.deepEqual(
      said,
      perFrame(12, (n) => [n, 15 + n]),
    );
  });

  it('that is missing fails the render', async () => {
    await assert.rejects(render('<video src="none.mp4" autoplay></video>', 2), (error) => {
      assert.ok(error instanceof AssetError, String(error));
      return /none\.mp4/.test(error.message);
    });
  });
});

describe('an animated picture', () => {
  it('shows the frame of its time by the durations and turns in the file', async () => {
    const { cells } = await render(
      `<img src="loop.gif"><img src="twice.png"><picture><source srcset="odd.webp 2x"><img src="loop.gif"></picture>
      <svg viewBox="0 0 64 16"><image href="loop.gif" width="64" height="16"/></svg>
      <script>requestAnimationFrame(function draw() {
        requestAnimationFrame(draw);
        const add = (src) => document.body.append(Object.assign(new Image(), { src }));
        if (genlock.frame === 5) add('loop.gif?late');
        if (genlock.frame === 7) ['loop.gif?later', 'fast.gif?late'].forEach(add);
      });</script>`,
      20,
      {},
      2,
    );
    const gif = (time: number) => Math.floor(time / 0.1 + 1e-6) % 4;
    assert.deepEqual(
      column(cells, 0),
      perFrame(20, (n) => gif(n / FPS)),
    );
    assert.deepEqual(
      column(cells, 1),
      perFrame(20, (n) => (n >= 18 ? 2 : Math.floor(n / 3) % 3)),
    );
    assert.deepEqual(
      column(cells, 2),
      perFrame(20, (n) => Math.floor(n / FPS / 0.08 + 1e-6) % 5),
    );
    assert.deepEqual(
      column(cells, 3),
      perFrame(20, (n) => gif(n / FPS)),
    );
    assert.deepEqual(
      column(cells, 4).slice(5),
      perFrame(15, (n) => gif(n / FPS)),
    );
    assert.deepEqual(
      column(cells, 5).slice(7),
      perFrame(13, (n) => gif(n / FPS)),
    );
    assert.deepEqual(
      column(cells, 6).slice(7),
      perFrame(13, (n) => Math.floor(n / FPS / 0.02 + 1e-6) % 20),
    );
  });
});

describe('an animated picture in a style', () => {
  it('shows the frame of its time, wherever the style is', async () => {
    const { cells, said } = await render(
      `<style>
        style { display: none }
        .unused { background: url(missing.gif) }
        @media screen { .sheet { color: red; & i { display: block; height: 100%; background: url('loop.gif?nested') } } }
        .content::before { content: url(twice.png) }
        .variable { --picture: url(loop.gif); background: no-repeat var(--picture) }
        .still { background: url(still.png) }
      </style>
      <div class="sheet"><i></i></div><div class="content"></div><div class="variable"></div>
      <div style="background: url(loop.gif) no-repeat"></div><div class="adopted"></div><div class="shadow"></div><div class="late"></div>
      <div class="still"></div>
      <script>
        const adopted = new CSSStyleSheet();
        adopted.replaceSync('.adopted { background: url(loop.gif) }');
        document.adoptedStyleSheets.push(adopted);
        document.querySelector('.shadow').attachShadow({ mode: 'closed' }).innerHTML =
          '<style>:host { background: url(loop.gif) }</style>';
        requestAnimationFrame(function draw() {
          requestAnimationFrame(draw);
          const { style } = document.querySelector('.late');
          if (genlock.frame === 5) style.backgroundImage = 'url(loop.gif)';
          if (genlock.frame === 9) style.backgroundImage = 'url(still.png)';
        });
      </script>`,
      14,
      {},
      2,
    );
    const gif = perFrame(14, (n) => Math.floor(n / 3) % 4);
    const expected = [gif, gif.map((_, n) => Math.floor(n / 3) % 3), gif, gif, gif, gif];
    for (const [index, frames] of expected.entries()) assert.deepEqual(column(cells, index), frames, `cell ${index}`);
    assert.deepEqual(column(cells, 6), [...Array<number>(5).fill(0), ...gif.slice(5, 9), ...Array<number>(5).fill(3)]);
    assert.deepEqual(new Set(column(cells, 7)), new Set([3]));
    assert.deepEqual(said, []);
  });
});

describe('media', () => {
  const html = `<video src="24.webm" autoplay loop></video><video src="60.mp4" autoplay muted></video><img src="loop.gif">
    <canvas width="64" height="16"></canvas><script>
      const context = document.querySelector('canvas').getContext('2d');
      requestAnimationFrame(function draw() {
        requestAnimationFrame(draw);
        context.drawImage(document.querySelector('video'), 0, 0);
      });
    </script>`;

  it('is the same with any number of workers, and from any frame on', async () => {
    const whole = await render(html, 12);
    assert.deepEqual((await render(html, 12, { concurrency: 3 })).hashes, whole.hashes);
    assert.deepEqual((await render(html, 3, { startFrame: 7 })).hashes, whole.hashes.slice(7, 10));
  });

  it('is the same without begin-frame control', LONG, async () => {
    const plain = await render(html, 6, { browserConfig: { beginFrameControl: false } });
    assert.deepEqual(plain.cells, (await render(html, 6)).cells);
  });
});

describe('audio', () => {
  it('contexts, their sources and audio elements tell virtual time', async () => {
    const { said } = await render(
      `<script>
        const context = new AudioContext();
        const log = (...values) => say(...values, genlock.frame, Math.round(context.currentTime * 1e3));
        context.onstatechange = () => log(context.state);
        const source = new AudioBufferSourceNode(context, { buffer: context.createBuffer(1, 4800, 48000), playbackRate: 0.5 });
        source.onended = () => log('ended');
        source.start(0.1);
        const tone = new OscillatorNode(context);
        const analyser = context.createAnalyser();
        tone.connect(analyser);
        tone.addEventListener('ended', () => log('stopped'));
        tone.start();
        tone.stop(0.2);
        setTimeout(() => context.suspend(), 200);
        setTimeout(() => context.resume(), 300);
        const wave = new DataView(new ArrayBuffer(44 + 3200));
        [0x52494646, , 0x57415645, 0x666d7420, , , , , , 0x64617461].forEach((word, index) => word && wave.setUint32(index * 4, word));
        [[4, 3236], [16, 16], [24, 8000], [28, 16000], [40, 3200]].forEach(([at, value]) => wave.setUint32(at, value, true));
        [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => wave.setUint16(at, value, true));
        const audio = new Audio(URL.createObjectURL(new Blob([wave], { type: 'audio/wav' })));
        audio.onended = () => log('audio', audio.currentTime);
        audio.play();
        requestAnimationFrame(async function draw() {
          requestAnimationFrame(draw);
          if (genlock.frame !== 3) return;
          const decoded = await context.decodeAudioData(wave.buffer.slice(0));
          const offline = new OfflineAudioContext(1, 4800, 48000);
          const rendered = await offline.startRendering();
          analyser.getByteTimeDomainData(new Uint8Array(1));
          log('decoded', decoded.duration, rendered.length, context.getOutputTimestamp().contextTime);
        });
      </script>`,
      16,
    );
    assert.deepEqual(said, [
      ['decoded', 0.2, 4800, 0.1, 3, 100],
      ['stopped', 6, 200],
      ['audio', 0.2, 6, 200],
      ['suspended', 6, 200],
      ['running', 9, 200],
      ['ended', 12, 300],
    ]);
  });
});
