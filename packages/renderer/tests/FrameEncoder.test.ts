import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Frame } from '../src/ffmpeg/Frame.js';
import { BrowserCrashError, StallError } from '../src/errors.js';
import { FrameEncoder } from '../src/ffmpeg/FrameEncoder.js';
import { never } from '../src/lifecycle/abort.js';
import { JobScope } from '../src/lifecycle/JobScope.js';
import { parseRendererOptions } from '../src/options/options.js';
import { TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const { concurrency: _, ...ONE } = TWO_WORKERS;
const BYTES = (ONE.width * ONE.height * 3) / 2;

/** Gives frames to an encoder until that rejects. */
async function encode(
  sandbox: Sandbox,
  ffmpeg: string,
  frames: Promise<readonly Buffer[]>[],
  size: { width?: number; height?: number } = {},
): Promise<unknown> {
  const untouched = sandbox.destination('out.mp4');
  const output = join(sandbox.inputs, 'part.mp4');
  const options = parseRendererOptions({ ...ONE, ...size, deadlines: { capture: 300, encode: 300 } }, output);
  const work = async (scope: JobScope) => {
    await using encoder = new FrameEncoder(scope, options, { format: 'i420', ffmpeg, output, hashes: undefined });
    await scope.guard(async () => {
      for (const [frame, data] of frames.entries()) {
        scope.position.frame = frame;
        await encoder.write({ kind: 'pixels', data } satisfies Frame);
      }
      await encoder.written();
    });
  };
  const [outcome] = await Promise.allSettled([JobScope.run({}, options, output, work)]);
  assert.equal(outcome.status, 'rejected');
  sandbox.assertNothingLeft(untouched);
  return outcome.reason;
}

const here = () => Promise.resolve([Buffer.alloc(BYTES)]);

describe('a frame that does not arrive', () => {
  it('is the fault of the browser where its bytes are missing: the frame is named', async () => {
    using sandbox = new Sandbox();
    const error = await encode(sandbox, 'ffmpeg', [here(), never(), here()]);
    assert.ok(error instanceof StallError, String(error));
    assert.match(error.waitingFor, /^the browser to send/);
    assert.deepEqual({ ...error.position }, { worker: 0, frame: 1, phase: 'capture' });
  });

  it('is the fault of the encoder where that does not take it', async () => {
    using sandbox = new Sandbox();
    const stuck = sandbox.script('ffmpeg', 'exec sleep 1000');
    // Each is more than fits into the pipe.
    const large = Promise.resolve([Buffer.alloc(100 * BYTES)]);
    const error = await encode(sandbox, stuck, [large, large, large], {
      width: 10 * ONE.width,
      height: 10 * ONE.height,
    });
    assert.ok(error instanceof StallError, String(error));
    assert.match(error.waitingFor, /^the encoder to accept/);
    assert.deepEqual({ ...error.position }, { worker: 0, frame: 0, phase: 'encode' });
  });

  it('is the fault of the browser where it is not whole: no other frame is out of its place for it', async () => {
    using sandbox = new Sandbox();
    const part = Promise.resolve([Buffer.alloc(BYTES - 1)]);
    const error = await encode(sandbox, 'ffmpeg', [here(), part, here()]);
    assert.ok(error instanceof BrowserCrashError, String(error));
    assert.match(
      error.message,
      new RegExp(`frame 1.*the browser sent ${BYTES - 1} bytes of the frame instead of ${BYTES}`),
    );
    assert.equal(error.lost, 'picture');
  });

  it('is told with the error of who reads it, where there is one', async () => {
    using sandbox = new Sandbox();
    const lost = new Error("the browser's file does not contain the 5000 bytes of a frame");
    assert.equal(await encode(sandbox, 'ffmpeg', [here(), Promise.reject(lost), here()]), lost);
  });
});
