import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FrameFormat } from '../src/ffmpeg/Frame.js';
import { concatArguments, concatList, encodeArguments } from '../src/ffmpeg/arguments.js';
import { formatHashes, parseFrameHashes } from '../src/ffmpeg/frameHashes.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { parseRendererOptions } from '../src/options/options.js';
import { splitFrames } from '../src/options/plan.js';

function durations(list: string): number[] {
  return [...list.matchAll(/^duration (\d+)\.(\d{6})$/gm)].map(([, s, us]) => Number(s) * 1e6 + Number(us));
}

describe('concatList', () => {
  for (const fps of [
    { num: 30000, den: 1001 },
    { num: 24000, den: 1001 },
    { num: 60000, den: 1001 },
    { num: 30, den: 1 },
    { num: 7, den: 3 },
  ]) {
    it(`has durations that add up to the microsecond at ${fps.num}/${fps.den}`, () => {
      for (const [chunks, frames] of [
        [100, 1234],
        [100, 100],
        [7, 10],
        [1, 1],
      ] as const) {
        const list = concatList(
          splitFrames(0, frames, chunks).map(({ frameCount }, index) => ({ path: `part_${index}.mp4`, frameCount })),
          fps,
        );
        const found = durations(list);
        assert.equal(found.length, chunks);
        const exact = (count: number) => (count * fps.den * 1e6) / fps.num;
        let sum = 0;
        let count = 0;
        for (const [index, { frameCount }] of splitFrames(0, frames, chunks).entries()) {
          sum += found[index]!;
          count += frameCount;
          assert.equal(sum, Math.round(exact(count)), `after chunk ${index}`);
        }
      }
    });
  }

  it('quotes paths so that ffmpeg reads them back', async () => {
    const root = mkdtempSync(join(tmpdir(), "genlock-test-it's 'odd' "));
    try {
      const names = ["a'b.mkv", "''.mkv", 'c d#e;f\\g.mkv', 'ü"$(x).mkv'];
      const encode = ['-v', 'error', '-f', 'lavfi', '-i', 'color=size=16x16:rate=10', '-frames:v', '2', '-c:v', 'ffv1'];
      for (const name of names) {
        const { code, stderr } = await runCommand('ffmpeg', [...encode, join(root, name)]);
        assert.equal(code, 0, stderr);
      }
      const list = join(root, 'list.ffconcat');
      const chunks = names.map((name) => ({ path: join(root, name), frameCount: 2 }));
      writeFileSync(list, concatList(chunks, { num: 10, den: 1 }));
      const output = join(root, 'joined.mkv');
      const joined = await runCommand('ffmpeg', concatArguments(list, output, 'mkv'));
      assert.deepEqual([joined.code, joined.stderr], [0, '']);
      const entries = ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0'];
      assert.equal((await runCommand('ffprobe', [...entries, output])).stdout.trim(), '8');
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('encodeArguments', () => {
  const of = (change: object, output: string, hashes?: string, format: FrameFormat = 'png') =>
    encodeArguments(
      format,
      parseRendererOptions({ width: 320, height: 180, fps: 30, frameCount: 1, ...change }, output),
      output,
      hashes,
    );

  it('passes the rate as a fraction and says the colours', () => {
    const args = of({ fps: 29.97 }, 'out.mp4').join(' ');
    assert.match(args, /-framerate 30000\/1001 -i pipe:0/);
    assert.match(args, /-c:v libx264 .*-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv/);
    assert.match(args, /-crf 18 -preset superfast -rc-lookahead 5 -mbtree 1 -b-pyramid strict -b_strategy 0/);
    assert.match(args, /-f mp4 out\.mp4$/);
  });

  it('passes a preset that is named as it is', () => {
    const args = of({ preset: 'superfast' }, 'out.mp4');
    assert.equal(args[args.indexOf('-preset') + 1], 'superfast');
    assert.ok(!args.includes('-mbtree'));
    const others = [of({ videoCodec: 'h265' }, 'out.mp4'), of({ videoCodec: 'av1' }, 'out.mp4')];
    assert.deepEqual(
      others.map((list) => list[list.indexOf('-preset') + 1]),
      ['veryfast', '8'],
    );
  });

  it('has a preset of its own for fast renders, at the quality that is asked for', () => {
    const fast = of({ fast: true }, 'out.mp4', undefined, 'i420').join(' ');
    assert.match(fast, /-qp 23 -chromaoffset -4 -preset ultrafast -subq 1 -deblock 0:0 /);
    const qualities = [0, 23, 23.4, 51].map((crf) => of({ fast: true, crf }, 'out.mp4'));
    assert.deepEqual(
      qualities.map((list) => list[list.indexOf('-qp') + 1]),
      ['0', '28', '28', '51'],
    );
    const rate = of({ fast: true, videoBitrate: '5M' }, 'out.mp4').join(' ');
    assert.match(rate, /-b:v 5M -preset ultrafast .*-aq-mode 1 -rc-lookahead 5 -mbtree 1/);
    assert.doesNotMatch(rate, /-qp|-crf/);
  });

  it('says quality or bit rate, never both', () => {
    const args = of({ videoBitrate: '500k' }, 'out.mp4');
    assert.equal(args[args.indexOf('-b:v') + 1], '500k');
    assert.ok(!args.includes('-crf'));
  });

  it('encodes planes as they are, and says what they are', () => {
    const args = of({}, 'out.mp4', 'h', 'i420').join(' ');
    assert.match(args, /-f rawvideo -pixel_format yuv420p -video_size 320x180 -framerate 30 -i pipe:0/);
    assert.match(args, /-c:v libx264 -colorspace smpte170m -color_primaries bt709/);
    assert.match(args, /-pix_fmt yuv420p -f framehash/);
    assert.doesNotMatch(args, /-vf/);
  });

  it('copies packets, gives each its time, and says the colours', () => {
    const args = of({ fps: 29.97 }, 'out.mp4', undefined, 'h264').join(' ');
    assert.match(
      args,
      /-f h264 .*-c:v copy -bsf:v h264_metadata=.*matrix_coefficients=1,setts=ts=N\*1001\/\(30000\*TB\)/,
    );
  });

  it('writes a finished file, or one that can be joined', () => {
    assert.match(of({}, 'out.mp4').join(' '), /-use_editlist 0 -movflags \+negative_cts_offsets\+faststart -f mp4 out/);
    assert.ok(!of({ joinable: true }, 'out.mp4').includes('-movflags'));
    assert.ok(!of({}, 'out.mkv').includes('-movflags'));
  });

  it('does not touch the colours of a lossless video', () => {
    const args = of({ lossless: true }, 'out.mkv', 'h');
    assert.ok(!args.includes('-vf') && !args.includes('-crf'));
    assert.match(args.join(' '), /-c:v libx264rgb .*-qp 0 .*-f matroska out\.mkv .*-f framehash -hash sha256 h$/);
  });
});

describe('frame hashes', () => {
  const text = [
    '#format: frame checksums',
    '#software: Lavf',
    '#stream#, dts, pts, duration, size, hash',
    '0,          0,          0,        1,   172800, aa11',
    '0,          1,          1,        1,   172800, bb22',
    '',
  ].join('\n');

  it('are read from what ffmpeg writes, in order', () => {
    assert.deepEqual(parseFrameHashes(text), ['aa11', 'bb22']);
    assert.deepEqual(parseFrameHashes('#only: comments\n'), []);
  });

  it('are written with the frame number in the composition', () => {
    assert.equal(formatHashes(['aa', 'bb'], 7), '7 aa\n8 bb\n');
    assert.equal(formatHashes([], 7), '');
  });
});
