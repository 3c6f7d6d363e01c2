import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { ProgramOptions } from './program.js';
import { runProgram } from './program.js';
import { mean } from './tables.js';

/** How near a video is to the lossless one, over the frames that both have. */
export interface Quality {
  /** Frames of the video. */
  frames: number;
  /** Structural similarity, 0 to 1: the mean of all frames, and the worst frame. */
  ssim: number;
  worstSsim: number;
  /** The mean structural similarity of brightness alone: high where only the colours are off. */
  shape: number;
  /** Peak signal-to-noise ratio in decibels, of the mean squared error of all frames. */
  psnr: number;
  /** Frames that differ from the one before, as far as the lossless video goes: in both. */
  moving: number;
  movingInReference: number;
}

/** Frames are paired by their number: containers round time stamps. */
const PAIRED = 'settb=1/1000,setpts=N*100';
/** What counts as no change, in the mean difference of 8-bit samples: encoding alone makes that much. */
const STILL = 0.02;

/**
 * Compares a video with a lossless one of the same page from its first frame on. Both become RGB as
 * their own colour tags say, so that a wrong tag counts as what a viewer sees.
 */
export async function compare(
  video: string,
  reference: string,
  { ffmpeg, folder, signal }: { ffmpeg: string; folder: string; signal: AbortSignal },
): Promise<Quality> {
  const log = (name: string) => join(folder, `${name}.log`);
  const filter = [
    `[0:v]${PAIRED},scale,format=gbrp,split=4[v1][v2][v3][v4]`,
    `[1:v]${PAIRED},scale,format=gbrp,split=4[r1][r2][r3][r4]`,
    `[v1][r1]ssim=shortest=1:stats_file=ssim.log[o1]`,
    `[v2][r2]psnr=shortest=1:stats_file=psnr.log[o2]`,
    `[v3]${differences('video')}[o3]`,
    `[r3]${differences('reference')}[o4]`,
    `[v4]format=gray[v5]`,
    `[r4]format=gray[r5]`,
    `[v5][r5]ssim=shortest=1:stats_file=shape.log[o5]`,
  ].join(';');
  const outputs = [1, 2, 3, 4, 5].flatMap((i) => ['-map', `[o${i}]`, '-f', 'null', '-']);
  const args = ['-nostdin', '-v', 'error', '-i', video, '-i', reference, '-filter_complex', filter, ...outputs];
  const options: ProgramOptions = { signal, timeoutMs: 600_000, cwd: folder };
  const { end, said } = await runProgram(ffmpeg, args, options);
  if (end !== 0) throw new Error(`ffmpeg could not compare ${video} with ${reference}: ${said.trim()}`);
  const [ssim, psnr, moves, referenceMoves, shape] = await Promise.all(
    ['ssim', 'psnr', 'video', 'reference', 'shape'].map(async (name) => await readFile(log(name), 'utf8')),
  );
  const similar = numbers(ssim!, /All:([\d.]+)/g);
  const errors = numbers(psnr!, /mse_avg:([\d.]+)/g);
  const inReference = numbers(referenceMoves!, /YDIF=([\d.]+)/g);
  const inVideo = numbers(moves!, /YDIF=([\d.]+)/g);
  return {
    frames: inVideo.length,
    ssim: mean(similar),
    worstSsim: Math.min(...similar),
    shape: mean(numbers(shape!, /All:([\d.]+)/g)),
    psnr: 10 * Math.log10(255 ** 2 / mean(errors)),
    moving: inVideo.slice(0, inReference.length).filter((change) => change > STILL).length,
    movingInReference: inReference.filter((change) => change > STILL).length,
  };
}

/** Writes how much each frame differs from the one before. */
function differences(name: string): string {
  return `format=gray,signalstats,metadata=print:key=lavfi.signalstats.YDIF:file=${name}.log`;
}

function numbers(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map((match) => Number(match[1]));
}
