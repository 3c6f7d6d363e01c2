import assert from 'node:assert/strict';
import { basename, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { OptionsError } from '../src/errors.js';
import { RenderOrchestrator } from '../src/Orchestrator.js';
import { splitFrames } from '../src/options/plan.js';
import type { DistributedRenderOptions } from '../src/types.js';

const BASE = { width: 320, height: 180, fps: 30 };
const URL_OF_NOTHING = 'http://127.0.0.1:1/never-opened';

function plan(options: Partial<DistributedRenderOptions>, output = '/no/such/folder/out.mp4') {
  return RenderOrchestrator.plan(URL_OF_NOTHING, output, { ...BASE, ...options });
}

describe('plan', () => {
  it('deals out every frame once, in order, in shares that differ by at most one', () => {
    for (let concurrency = 1; concurrency <= 8; concurrency++) {
      for (let frameCount = 1; frameCount <= 40; frameCount++) {
        for (const startFrame of [0, 7]) {
          const { chunks, ...whole } = plan({ concurrency, frameCount, startFrame });
          const name = `${frameCount} frames from ${startFrame} over ${concurrency}`;
          assert.equal(chunks.length, Math.min(concurrency, frameCount), name);
          assert.equal(whole.concurrency, chunks.length, name);
          let next = startFrame;
          for (const [index, chunk] of chunks.entries()) {
            assert.equal(chunk.index, index, name);
            assert.equal(chunk.startFrame, next, name);
            assert.equal(chunk.options.startFrame, next, name);
            assert.equal(chunk.options.frameCount, chunk.frameCount, name);
            assert.equal(chunk.fileName, `part_${index}.mp4`, name);
            next += chunk.frameCount;
          }
          assert.equal(next, startFrame + frameCount, name);
          const sizes = chunks.map((chunk) => chunk.frameCount);
          assert.ok(
            Math.min(...sizes) >= 1 && Math.max(...sizes) - Math.min(...sizes) <= 1,
            `${name}: ${sizes.join()}`,
          );
        }
      }
    }
  });

  it('keeps one chunk for each worker up to ten seconds of video each', () => {
    assert.equal(plan({ frameCount: 600, concurrency: 2 }).chunks.length, 2);
    assert.equal(plan({ frameCount: 601, concurrency: 3 }).chunks.length, 3);
    assert.ok(plan({ frameCount: 601, concurrency: 2 }).chunks.length > 2);
  });

  it('gives the first worker more where it draws while the others are still on their way', () => {
    const lengths = (frameCount: number, concurrency: number) =>
      plan({ frameCount, concurrency, startFrame: 3 }).chunks.map((chunk) => chunk.frameCount);
    assert.deepEqual(lengths(600, 2), [310, 290]);
    assert.deepEqual(lengths(1200, 4), [315, 295, 295, 295]);
    assert.deepEqual(lengths(300, 1), [300]);
    assert.deepEqual(lengths(118, 2), [59, 59]);
  });

  it('balances a long render: chunks that shrink to a second, none so long that a keyframe is added', () => {
    for (const [frameCount, concurrency] of [
      [601, 2],
      [1800, 1],
      [5000, 3],
      [36_000, 8],
    ] as const) {
      const { chunks, concurrency: workers } = plan({ frameCount, concurrency, startFrame: 5 });
      const name = `${frameCount} frames over ${concurrency}`;
      assert.equal(workers, concurrency, name);
      let next = 5;
      for (const [index, chunk] of chunks.entries()) {
        assert.equal(chunk.startFrame, next, name);
        next += chunk.frameCount;
        assert.ok(chunk.frameCount <= 250, name);
        if (index > 0) assert.ok(chunk.frameCount <= chunks[index - 1]!.frameCount, name);
      }
      assert.equal(next, frameCount + 5, name);
      // Keyframes beyond those that the encoder sets by itself every 250 frames.
      const added = chunks.length - Math.ceil(frameCount / 250);
      assert.ok(added * 4 <= 0.02 * frameCount, `${name}: ${added}`);
      // Workers that draw at one speed end within about a second of video of one another.
      const ends = Array.from({ length: concurrency }, () => 0);
      for (const { frameCount: frames } of chunks) ends[ends.indexOf(Math.min(...ends))]! += frames;
      assert.ok(Math.max(...ends) - Math.min(...ends) <= Math.max(45, 0.1 * ends[0]!), `${name}: ${ends.join()}`);
    }
  });

  it('takes the length of a chunk from chunkFrames', () => {
    const { chunks, concurrency } = plan({ frameCount: 10, chunkFrames: 4, concurrency: 8 });
    assert.deepEqual(
      chunks.map(({ frameCount }) => frameCount),
      [4, 4, 2],
    );
    assert.equal(concurrency, 3);
    assert.deepEqual(
      chunks.map(({ options }) => options.seamFiles),
      ['part_0.seam', 'part_1.seam', 'part_2.seam'],
    );
    assert.ok(!('seamFiles' in plan({ frameCount: 10, concurrency: 1 }).chunks[0]!.options));
  });

  it('is synchronous, pure and the same each time', () => {
    const options = Object.freeze({ ...BASE, frameCount: 10, concurrency: 3, inputProps: Object.freeze({ a: 1 }) });
    const first = RenderOrchestrator.plan(URL_OF_NOTHING, 'out.mp4', options);
    assert.ok(!(first instanceof Promise));
    assert.deepEqual(RenderOrchestrator.plan(URL_OF_NOTHING, 'out.mp4', options), first);
    assert.equal(first.compositionUrl, URL_OF_NOTHING);
    assert.equal(first.outputPath, resolve('out.mp4'));
    assert.deepEqual(JSON.parse(JSON.stringify(first)), first, 'a plan is plain data');
  });

  it('takes frameCount before durationInSeconds, and rounds a duration to whole frames', () => {
    assert.equal(plan({ frameCount: 10, durationInSeconds: 5 }).frameCount, 10);
    assert.equal(plan({ frameCount: 10, durationInSeconds: 5 }).durationInSeconds, 10 / 30);
    assert.equal(plan({ durationInSeconds: 5 }).frameCount, 150);
    assert.equal(plan({ durationInSeconds: 10, fps: 29.97 }).frameCount, 300);
    assert.equal(plan({ durationInSeconds: 10, fps: '30000/1001' }).durationInSeconds, 10.01);
    assert.equal(plan({ durationInSeconds: 0.001 }).frameCount, 1);
  });

  it('tells the rate as a fraction and the size after the scale', () => {
    const { fps, width, height } = plan({ frameCount: 1, fps: 23.976, scale: 2 });
    assert.deepEqual({ fps, width, height }, { fps: { num: 24000, den: 1001 }, width: 640, height: 360 });
  });

  it('gives every chunk what a Renderer needs: no length in seconds, no concurrency, the codec by name', () => {
    const executor = { render: () => Promise.resolve() };
    const { chunks } = plan({ durationInSeconds: 1, concurrency: 2, crf: 20, frameHashes: '/x/h', executor });
    for (const { options, index } of chunks) {
      assert.deepEqual(
        Object.keys(options).filter((key) => ['concurrency', 'executor', 'durationInSeconds'].includes(key)),
        [],
      );
      assert.equal(options.crf, 20);
      assert.equal(options.videoCodec, 'libx264');
      assert.equal(options.frameHashes, `part_${index}.hashes`);
      assert.ok(options.encoderThreads! >= 1);
    }
  });

  it('keeps the codec that the output asks for, in chunks that can be joined', () => {
    const names = (output: string, options = {}) => {
      const [chunk] = plan({ frameCount: 4, concurrency: 2, ...options }, output).chunks;
      assert.equal(chunk!.options.joinable, true);
      return [basename(chunk!.fileName), chunk!.options.videoCodec];
    };
    assert.deepEqual(names('out.webm'), ['part_0.mp4', 'libvpx-vp9']);
    assert.deepEqual(names('out.mov', { videoCodec: 'prores' }), ['part_0.mov', 'prores_ks']);
    assert.deepEqual(names('out.mkv', { lossless: true }), ['part_0.mp4', undefined]);
  });

  it('has the only chunk made as the finished file', () => {
    for (const output of ['out.mp4', 'out.webm', 'out.mkv', 'out.mov']) {
      const [chunk] = plan({ frameCount: 4, concurrency: 1 }, output).chunks;
      assert.deepEqual([chunk!.fileName, chunk!.options.joinable], [output.replace('out', 'part_0'), undefined]);
    }
  });

  it('never has more workers than there are frames', () => {
    assert.equal(plan({ frameCount: 3, concurrency: 8 }).concurrency, 3);
    assert.ok(plan({ frameCount: 1000 }).concurrency >= 1);
  });

  it('throws an OptionsError at once', () => {
    assert.throws(() => plan({ frameCount: 10, concurrency: 0 }), OptionsError);
    assert.throws(() => plan({ frameCount: 10 }, 'out.gif'), OptionsError);
  });
});

describe('splitFrames', () => {
  it('puts the longer ranges first', () => {
    assert.deepEqual(splitFrames(100, 8, 3), [
      { startFrame: 100, frameCount: 3 },
      { startFrame: 103, frameCount: 3 },
      { startFrame: 106, frameCount: 2 },
    ]);
  });
});
