import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import { Renderer, renderStill, type DistributedRenderOptions } from '../src/index.js';
import { encodeOnly } from './support/encodeOnly.js';
import { LONG } from './support/extent.js';
import { decodedFrame, decodedHashes, meanDifference, probe } from './support/video.js';
import { succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;
const PAGES = { cards: page('cards'), simulation: page('simulation'), webgl: page('webgl') };
const FRAMES = 18;

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

let renders = 0;

/** Renders without loss; returns the hashes of the captured frames and those of the decoded file. */
async function hashes(url: string, options: Partial<DistributedRenderOptions>, extension = 'mkv') {
  const frameHashes = join(sandbox.root, `${++renders}.hashes`);
  const all = { lossless: true, frameCount: FRAMES, frameHashes, ...options };
  const { path } = await succeed(sandbox, url, all, {}, `${renders}.${extension}`);
  const lines = readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
  const captured = lines.map((line) => line.split(' '));
  assert.deepEqual(
    captured.map(([frame]) => Number(frame)),
    lines.map((_, index) => (all.startFrame ?? 0) + index),
  );
  return { captured: captured.map(([, hash]) => hash!), decoded: await decodedHashes(path), path };
}

for (const [name, url] of Object.entries(PAGES)) {
  describe(`lossless video of ${name}`, name === 'simulation' ? {} : LONG, () => {
    let whole: string[];
    let wholePath: string;

    it('decodes to the very pictures that were captured, from .mkv and .mp4', async () => {
      const mkv = await hashes(url, { concurrency: 1 });
      whole = mkv.captured;
      wholePath = mkv.path;
      assert.equal(new Set(whole).size, FRAMES, 'every frame differs from the others');
      assert.deepEqual(mkv.decoded, whole);
      const mp4 = await hashes(url, { concurrency: 3 }, 'mp4');
      assert.deepEqual(mp4.captured, whole, 'with three workers');
      assert.deepEqual(mp4.decoded, whole);
    });

    it('is the same with two workers', LONG, async () => {
      const { captured, decoded } = await hashes(url, { concurrency: 2 });
      assert.deepEqual(captured, whole);
      assert.deepEqual(decoded, whole);
    });

    it('has the same frames in a range', async () => {
      const { captured, decoded } = await hashes(url, { startFrame: 7, frameCount: 6, concurrency: 1 });
      assert.deepEqual(captured, whole.slice(7, 13));
      assert.deepEqual(decoded, captured);
    });

    it('has the picture that a still of the same frame has', async () => {
      const path = join(sandbox.root, `${name}.png`);
      const report = await renderStill(url, path, { width: 160, height: 90, fps: 30, frame: 9 });
      assert.deepEqual([report.frame, report.width, report.height], [9, 160, 90]);
      assert.deepEqual(await decodedHashes(path), [whole[9]]);
    });

    it('is the same to the eye without begin-frame control', async (context) => {
      const plain = await hashes(url, { frameCount: 8, concurrency: 1, browserConfig: { beginFrameControl: false } });
      assert.equal(plain.captured.length, 8);
      assert.deepEqual(plain.decoded, plain.captured);
      const same = plain.captured.filter((hash, frame) => hash === whole[frame]).length;
      context.diagnostic(`${same} of 8 frames are identical`);
      for (const frame of [0, 3, 7]) {
        const [a, b] = [await decodedFrame(wholePath, frame), await decodedFrame(plain.path, frame)];
        const difference = meanDifference(a, b);
        assert.ok(difference < 0.5, `frame ${frame} differs by ${difference} levels`);
      }
    });
  });
}

async function assertExactTimes(path: string, frameCount: number, rate: string): Promise<void> {
  const { stream, packets, format } = await probe(path);
  assert.equal(stream['r_frame_rate'], rate);
  assert.equal(stream['avg_frame_rate'], rate, `average rate of ${frameCount} frames`);
  assert.equal(Number(stream['nb_read_frames']), frameCount);
  assert.equal(Number(stream['nb_frames']), frameCount);
  assert.equal(stream['start_pts'], 0);
  assert.equal(Number(format['start_time']), 0);
  const [num, den] = rate.split('/').map(Number) as [number, number];
  assert.equal(Number(stream['duration']).toFixed(4), ((frameCount * den) / num).toFixed(4));

  const ticks = packets[0]!.duration;
  assert.deepEqual(
    packets.map(({ duration }) => duration),
    packets.map(() => ticks),
    'every frame lasts as long as the others',
  );
  const pts = packets.map((packet) => packet.pts).sort((a, b) => a - b);
  assert.deepEqual(
    pts,
    pts.map((_, index) => index * ticks),
    'frame n is shown at n times that',
  );
}

describe('the file', () => {
  const rates: [fps: number | string, rate: string][] = [
    [30, '30/1'],
    ['30000/1001', '30000/1001'],
    [23.976, '24000/1001'],
    [25, '25/1'],
    [60, '60/1'],
  ];
  for (const [fps, rate] of rates) {
    // Chunks of 3 to 15 frames: the fewer there are, the more of them depend on their neighbours.
    for (const [concurrency, frameCount] of [
      [1, 12],
      [2, 30],
      [3, 13],
      [7, 30],
    ] as const) {
      // One rate from three workers, and one chunk that is not joined: the long tests have each with each.
      const isFast = (concurrency === 3 && fps === '30000/1001') || (concurrency === 1 && fps === 23.976);
      const extent = isFast ? {} : LONG;
      it(`has exact frames and times: ${frameCount} at ${rate} from ${concurrency} workers`, extent, async () => {
        const options = { fps, concurrency, frameCount, executor: encodeOnly };
        const { path } = await succeed(sandbox, 'about:blank', options);
        await assertExactTimes(path, frameCount, rate);
      });
    }
  }

  it('has exact frames and times from a Renderer by itself', LONG, async () => {
    for (const frameCount of [3, 13]) {
      const path = join(sandbox.root, 'direct.mp4');
      await new Renderer({ width: 320, height: 180, fps: 29.97, frameCount }).render(PAGES.cards, path);
      await assertExactTimes(path, frameCount, '30000/1001');
    }
  });

  for (const [mode, matrix, concurrency] of [
    ['compositor', 'smpte170m', 3],
    ['screenshot', 'bt709', 1],
  ] as const) {
    it(
      `plays everywhere, by ${mode} from ${concurrency} workers, in a range: exact times, H.264 in yuv420p, colours told, no edit list, the index first`,
      mode === 'screenshot' ? LONG : {},
      async () => {
        const range = { frameCount: 13, startFrame: 4, fps: 29.97 };
        const { path } = await succeed(sandbox, PAGES.cards, { mode, concurrency, ...range });
        await assertExactTimes(path, 13, '30000/1001');
        const { stream, packets } = await probe(path);
        const expected = {
          codec_tag_string: 'avc1',
          codec_name: 'h264',
          pix_fmt: 'yuv420p',
          width: 160,
          height: 90,
          color_range: 'tv',
          color_space: matrix,
          color_primaries: 'bt709',
          color_transfer: 'bt709',
        };
        assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, stream[key]])), expected);
        assert.ok(packets[0]!.flags.startsWith('K'));
        const bytes = readFileSync(path);
        assert.equal(bytes.indexOf('elst'), -1);
        assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'));
      },
    );
  }

  it('has the colours of the page', async () => {
    const colours = [
      'rgb(255,0,0)',
      'rgb(0,255,0)',
      'rgb(0,0,255)',
      'rgb(255,255,255)',
      'rgb(0,0,0)',
      'rgb(128,64,32)',
    ];
    const patches = colours.map((colour) => `<i style="flex:1;background:${colour}"></i>`).join('');
    const url = sandbox.page(
      `<!doctype html><body style="margin:0;display:flex;height:100vh">${patches}`,
      'chart.html',
    );
    const { path } = await succeed(sandbox, url, { frameCount: 2, concurrency: 1, width: 360, crf: 1 });
    const rgb = await decodedFrame(path, 1);
    for (const [index, colour] of colours.entries()) {
      const wanted = colour.match(/\d+/g)!.map(Number);
      const at = (45 * 360 + index * 60 + 30) * 3;
      for (const [channel, value] of wanted.entries()) {
        const found = rgb[at + channel]!;
        assert.ok(Math.abs(found - value) <= 4, `${colour}: channel ${channel} is ${found}`);
      }
    }
  });

  const kinds: [name: string, options: Partial<DistributedRenderOptions>, codec: string, pixels: string][] = [
    ['out.webm', {}, 'vp9', 'yuv420p'],
    ['out.mov', { videoCodec: 'prores' }, 'prores', 'yuv422p10le'],
    ['out.mp4', { videoCodec: 'h265' }, 'hevc', 'yuv420p'],
    ['out.mp4', { videoCodec: 'av1' }, 'av1', 'yuv420p'],
    ['out.mkv', {}, 'h264', 'yuv420p'],
    ['out.mov', { pixelFormat: 'yuv444p' }, 'h264', 'yuv444p'],
    ['out.mp4', { videoBitrate: '500k', preset: 'fast' }, 'h264', 'yuv420p'],
  ];
  for (const [name, options, codec, pixels] of kinds) {
    // The others differ from these by an argument of ffmpeg.
    const extent = ['vp9', 'prores', 'av1'].includes(codec) ? {} : LONG;
    it(`${codec} in ${name} ${JSON.stringify(options)}`, extent, async () => {
      const frameCount = 5;
      const all = { ...options, frameCount, executor: encodeOnly };
      const { path } = await succeed(sandbox, 'about:blank', all, {}, name);
      const { stream } = await probe(path);
      assert.deepEqual(
        [stream['codec_name'], stream['pix_fmt'], Number(stream['nb_read_frames'])],
        [codec, pixels, frameCount],
      );
    });
  }

  it('has the size of the view times the scale', async () => {
    const SCALED = { scale: 2, frameCount: 2, lossless: true, concurrency: 1 };
    const url = page('cards');
    const { report, path } = await succeed(sandbox, url, SCALED, {}, 'scaled.mkv');
    const { stream } = await probe(path);
    assert.deepEqual([stream['width'], stream['height'], report.width, report.height], [320, 180, 320, 180]);
    const still = join(sandbox.root, 'scaled.png');
    await renderStill(url, still, { width: 160, height: 90, fps: 30, scale: 2, frame: 1 });
    const { width, height } = PNG.sync.read(readFileSync(still));
    assert.deepEqual([width, height], [320, 180]);
    assert.deepEqual(await decodedHashes(still), (await decodedHashes(path)).slice(1));
  });
});
