import { availableParallelism } from 'node:os';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findFfmpeg } from '@genlock/renderer/internal';
import { ENCODING, FPS, SPEED_PAGES, SPEED_SIZE, type SpeedPage } from './cases.js';
import { runDrawing } from './child.js';
import { encodeArguments, parseRendererOptions } from './internals.js';
import { readStat } from './proc.js';
import { runProgram } from './program.js';

/** What no render can be faster than that draws each frame and encodes it with x264, on these cores. */
export interface Floor {
  page: SpeedPage;
  /** CPU-seconds of a frame. */
  drawing: number;
  encoding: number;
  framesPerSecond: number;
}

/** Measures both halves of the floor; `reference` is the page's lossless video. */
export async function measureFloor(
  page: SpeedPage,
  reference: string,
  { frames, folder, signal }: { frames: number; folder: string; signal: AbortSignal },
): Promise<Floor> {
  const { cpuPerFrame: drawing } = await runDrawing(page, frames, signal);
  const encoding = await measureEncoding(page, reference, { frames, folder, signal });
  return { page, drawing, encoding, framesPerSecond: floorRate(drawing, encoding, availableParallelism()) };
}

/** Frames per second of cores that do nothing but draw and encode. */
export function floorRate(drawing: number, encoding: number, cores: number): number {
  return cores / (drawing + encoding);
}

/** CPU-seconds of a frame of x264 alone: fed with raw pictures of the layout that it encodes. */
async function measureEncoding(
  page: SpeedPage,
  reference: string,
  { frames, folder, signal }: { frames: number; folder: string; signal: AbortSignal },
): Promise<number> {
  const { ffmpeg } = await findFfmpeg();
  const raw = join(folder, 'raw.yuv');
  const run = async (args: readonly string[]) => {
    const { end, said } = await runProgram(ffmpeg, args, { signal, timeoutMs: 600_000, cwd: folder });
    if (end !== 0) throw new Error(`ffmpeg ended with ${end}: ${said.trim()}`);
  };
  try {
    const output = join(folder, 'encoded.mp4');
    const { scale } = SPEED_PAGES[page];
    const options = parseRendererOptions({ ...SPEED_SIZE, scale, fps: FPS, frameCount: frames, ...ENCODING }, output);
    const { pixelWidth, pixelHeight, pixelFormat } = options;
    await run(['-v', 'error', '-y', '-i', reference, '-f', 'rawvideo', '-pix_fmt', pixelFormat, raw]);
    const before = reapedCpu();
    const size = ['-f', 'rawvideo', '-pix_fmt', pixelFormat, '-s', `${pixelWidth}x${pixelHeight}`];
    await run([
      '-v',
      'error',
      '-y',
      ...size,
      '-framerate',
      String(FPS),
      '-i',
      raw,
      ...encoderOnly(encodeArguments('png', options, output)),
    ]);
    return (reapedCpu() - before) / frames;
  } finally {
    await rm(raw, { force: true });
  }
}

/** Genlock's own arguments after its input, without the filter that makes its pictures what x264 takes. */
export function encoderOnly(args: readonly string[]): string[] {
  const output = args.slice(args.indexOf('-map'));
  const filter = output.indexOf('-vf');
  return filter < 0 ? output : output.toSpliced(filter, 2);
}

function reapedCpu(): number {
  return readStat(process.pid)!.reapedCpu;
}
