import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AssetError, type RendererOptions } from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { ClockPages } from './support/clockPages.js';
import { eventsOf } from './support/renders.js';

const SMALL = { width: 160, height: 90, frameCount: 4 } satisfies Partial<RendererOptions>;

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());
const { sandbox } = pages;

before(async () => {
  const make = async (name: string, ...how: string[]) => {
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=64x36:r=30:d=0.5'];
    const { code, stderr } = await runCommand('ffmpeg', ['-v', 'error', ...source, ...how, join(sandbox.inputs, name)]);
    assert.equal(code, 0, stderr);
  };
  await make('ok.mp4', '-c:v', 'libx264', '-pix_fmt', 'yuv420p');
  await make('phone clip.mp4', '-c:v', 'libx265', '-x265-params', 'log-level=none', '-tag:v', 'hvc1');
  await make('early.mp4', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-movflags', '+faststart');
  await make('ok.png', '-frames:v', '1');
  await make('ok.gif', '-frames:v', '4');
  await make('ok.apng', '-frames:v', '4', '-plays', '0');
  await make('anim.webp', '-frames:v', '4', '-loop', '0');
  const write = (name: string, data: string | Buffer) => writeFileSync(join(sandbox.inputs, name), data);
  const [video, picture] = ['ok.mp4', 'ok.png'].map((name) => readFileSync(join(sandbox.inputs, name)));
  const early = readFileSync(join(sandbox.inputs, 'early.mp4'));
  for (const n of [1, 2, 3, 4, 5, 6]) write(`half-${n}.png`, picture!.subarray(0, picture!.length / 2));
  for (const n of [1, 2, 3, 4]) write(`text-${n}.png`, 'no picture');
  for (const name of ['ok.gif', 'ok.apng', 'anim.webp']) {
    const whole = readFileSync(join(sandbox.inputs, name));
    write(`cut-${name}`, whole.subarray(0, -40));
    // What only ends without saying so shows all of its frames.
    if (name === 'ok.gif') write('unsaid.gif', whole.subarray(0, -1));
  }
  write('empty.png', '');
  write('half.mp4', video!.subarray(0, video!.length / 2));
  write('text.mp4', 'no video');
  write('short.mp4', early.subarray(0, early.length - 500));
  for (const n of [1, 2]) write(`noise-${n}.woff2`, Buffer.alloc(3000, n));
});

/** The page, with these names of files in it as addresses. */
const page = (body: string) => sandbox.page(`<!doctype html><body>${body}`);

describe('a file that cannot be decoded', () => {
  it('fails the render by name: a video with its codec, and the command that converts it', async () => {
    const { error } = await pages.fail(page('<video src="phone%20clip.mp4" muted autoplay></video>'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.equal(error.position.phase, 'load');
    assert.match(error.message, /video cannot be decoded: file:.*phone%20clip\.mp4 \(hevc: .*--allow-missing-assets/);
    assert.match(error.message, /`ffmpeg -i "phone clip\.mp4" -c:v libx264 .* "phone clip\.h264\.mp4"`/);
  });

  it('fails it at the frame that asks for it', async () => {
    const url = page(`<script>
      requestAnimationFrame(function draw() {
        if (genlock.frame === 2) document.body.style.background = 'url(half-1.png)';
        requestAnimationFrame(draw);
      });
    </script>`);
    const { error } = await pages.fail(url, SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.equal(error.position.frame, 2);
    assert.match(error.message, /frame 2 \(capture\): image cannot be decoded: .*half-1\.png \(it is damaged: /);
  });

  it('fails it where the end of a video is missing', async () => {
    const { error } = await pages.fail(page('<video src="short.mp4" muted autoplay></video>'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.match(error.message, /short\.mp4 \(the file is cut short: its last 500 bytes are missing\)/);
  });

  it('is named also as an animated picture of which the first frames are there', async () => {
    const names = ['cut-ok.gif', 'cut-ok.apng', 'cut-anim.webp'];
    const url = page(
      [...names, 'ok.gif', 'unsaid.gif', 'ok.apng', 'anim.webp'].map((name) => `<img src="${name}">`).join(''),
    );
    const { events } = await pages.succeed(url, { ...SMALL, allowMissingAssets: true });
    const warned = eventsOf(events, 'warning').map(({ message }) => message);
    for (const name of names)
      assert.equal(warned.filter((text) => text.includes(`${name} (it is `)).length, 1, warned.join('\n'));
    assert.equal(warned.length, names.length, warned.join('\n'));
    assert.equal(warned.filter((text) => text.includes('cut short: its last frames are missing')).length, 2);
  });

  it('is a warning with allowMissingAssets, each one, wherever it is used', async () => {
    const box = 'width: 9px; height: 9px; background-color: red';
    const url = page(`
      <img src="half-1.png"><img src="text-1.png"><img src="empty.png"><img src="data:image/png;base64,AAAA">
      <div style="${box}; background: url(half-2.png)"></div>
      <div style="${box}; border: 3px solid; border-image: url(half-3.png) 3"></div>
      <div style="${box}; mask-image: url(text-2.png)"></div>
      <svg><image href="text-3.png" width="9" height="9"/></svg>
      <video poster="half-4.png"></video><video src="half.mp4"></video><video src="short.mp4"></video><audio src="text.mp4"></audio>
      <canvas></canvas>
      <style>@font-face { font-family: one; src: url(noise-1.woff2) } p { font-family: one }</style><p>text</p>
      <script>
        const loose = new Image();
        loose.onload = () => document.querySelector('canvas').getContext('2d').drawImage(loose, 0, 0);
        loose.src = 'half-5.png';
        new FontFace('two', 'url(noise-2.woff2)').load().catch(() => {});
      </script>`);
    const { events } = await pages.succeed(url, { ...SMALL, allowMissingAssets: true });
    const warned = eventsOf(events, 'warning').map(({ message }) => message);
    const files = ['half-1', 'half-2', 'half-3', 'half-4', 'half-5', 'text-1', 'text-2', 'text-3', 'empty'];
    const names = [
      ...files.map((name) => `${name}.png`),
      'half.mp4',
      'short.mp4',
      'text.mp4',
      'noise-1.woff2',
      'noise-2.woff2',
    ];
    for (const name of [...names, 'data:image/png']) {
      assert.equal(
        warned.filter((text) => text.includes(name) && text.includes('cannot be decoded')).length,
        1,
        warned.join('\n'),
      );
    }
    assert.equal(warned.length, names.length + 1, warned.join('\n'));
  });
});

describe('a file that the page has another one for', () => {
  it('is no fault, missing or broken; what is only preloaded is a warning', async () => {
    const url = page(`
      <img src="text-4.png" onerror="this.onerror = null; this.src = 'ok.png'">
      <img src="gone-1.png" onerror="this.onerror = null; this.src = 'ok.png'">
      <video muted><source src="phone%20clip.mp4"><source src="gone.mp4"><source src="ok.mp4"></video>
      <video src="text.mp4" muted onerror="this.onerror = null; this.src = 'ok.mp4'"></video>
      <picture><source srcset="gone-2.png" type="image/none"><img src="ok.png"></picture>
      <link rel="preload" as="image" href="gone-3.png">
      <link rel="preload" as="font" crossorigin href="gone.woff2">
      <style>
        @font-face { font-family: three; src: local(none such), url(ok.mp4) format('none') }
        p { font-family: three }
      </style><p>text</p>`);
    const { events } = await pages.succeed(url, SMALL);
    const warned = eventsOf(events, 'warning').map(({ message }) => message.replace(/.*(gone[^ ]*).*/, '$1'));
    assert.deepEqual(warned.sort(), ['gone-3.png', 'gone.woff2']);
  });

  it('but is one where that does not come either, or where what was preloaded is used', async () => {
    for (const body of [
      '<img src="gone.png" onerror="this.onerror = null; this.src = \'text-1.png\'">',
      '<link rel="preload" as="image" href="gone.png"><div style="background: url(gone.png)">text</div>',
    ]) {
      const { error } = await pages.fail(page(body), { ...SMALL, frameCount: 1 });
      assert.ok(error instanceof AssetError, String(error));
      assert.match(error.message, /gone\.png/);
    }
  });
});
