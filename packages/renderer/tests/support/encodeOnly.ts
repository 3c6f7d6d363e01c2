import assert from 'node:assert/strict';
import { PNG } from 'pngjs';
import { encodeArguments } from '../../src/ffmpeg/arguments.js';
import { ManagedProcess } from '../../src/lifecycle/ManagedProcess.js';
import { parseRendererOptions } from '../../src/options/options.js';
import type { RenderExecutor } from '../../src/index.js';
import { TWO_WORKERS } from './renders.js';

const { width, height } = TWO_WORKERS;
const pictures = new Map<number, Buffer>();

/** A picture with enough movement that encoders use every kind of frame. */
function picture(frame: number): Buffer {
  let data = pictures.get(frame);
  if (!data) {
    const png = new PNG({ width, height });
    for (let at = 0, pixel = 0; at < png.data.length; at += 4, pixel++) {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      const inside = Math.abs(x - 20 - ((frame * 9) % (width - 40))) < 20 && Math.abs(y - height / 2) < 30;
      png.data.set(inside ? [250, 160, 20, 255] : [x & 255, y, (x + y + frame * 3) & 255, 255], at);
    }
    data = PNG.sync.write(png, { deflateLevel: 1 });
    pictures.set(frame, data);
  }
  return data;
}

/** Encodes chunks as a worker does, from pictures that need no browser: for what comes after drawing. */
export const encodeOnly: RenderExecutor = {
  async render(_url, path, options, { signal }) {
    const resolved = parseRendererOptions(options, path);
    await using encoder = ManagedProcess.start('ffmpeg', encodeArguments('png', resolved, path), {
      role: 'encoder',
      signal,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const frames = Array.from({ length: resolved.frameCount }, (_, index) => picture(resolved.startFrame + index));
    encoder.child.stdin!.end(Buffer.concat(frames));
    const { code, stderr } = await encoder.ended;
    signal?.throwIfAborted();
    assert.equal(code, 0, stderr);
  },
};
