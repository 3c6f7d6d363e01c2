import { resolve } from 'node:path';
import { withAddress } from '../composition/compositionAddress.js';
import { OptionsError } from '../errors.js';
import { parseDistributedOptions, settledChunkOptions, type ResolvedDistributedOptions } from '../options/options.js';
import { splitFrames } from '../options/plan.js';
import { printable, readOptions } from '../options/readOptions.js';
import type { DistributedRenderOptions, OutputOptions, RenderChunk, RendererOptions, RenderPlan } from '../types.js';

/**
 * A way to draw the samples. `once`: one page goes through the whole composition. `twice`: a second page does
 * the same. `many`: a page for each sample, all at once, each replayed from frame 0. `seek`: a page for each
 * sample, which jumps straight there.
 */
export type VerifyWay = 'once' | 'twice' | 'many' | 'seek';

/** Options of a verification. Nothing is encoded, so there is no codec. */
export type VerifyOptions = Omit<
  DistributedRenderOptions,
  | ('executor' | 'retries' | 'chunkFrames' | 'entry' | 'seams' | 'seamFiles' | 'frameHashes' | 'encoderThreads')
  | ('keepChunks' | 'cacheDirectory' | 'partialOutput')
  | ('ffmpegPath' | 'ffprobePath' | keyof OutputOptions)
> & {
  /** Folder for pictures of the differences. It is created if there are any. */
  pictures: string;
  /** Number of samples, spread evenly from the start to the end. Default 3. */
  samples?: number;
  /** Length of each sample in frames. Default 8. */
  sampleFrames?: number;
};

/** A range of frames that is drawn in every way. */
export interface Sample {
  /** First frame, from 0. */
  startFrame: number;
  /** Its length in frames. */
  frameCount: number;
}

/** One sample drawn in one way. */
export interface VerifyChunk extends RenderChunk {
  way: VerifyWay;
  /** Index of the sample. */
  sample: number;
}

/** What a verification will do. Planning touches no file and starts nothing. */
export interface VerifyPlan extends RenderPlan {
  /** Absolute path of the folder for pictures. */
  outputPath: string;
  /** Number of pictures to draw, in all ways together. */
  frameCount: number;
  samples: Sample[];
  /** In the order in which they begin. */
  chunks: VerifyChunk[];
  /** The chunks that each page draws, one after the other. */
  lanes: VerifyChunk[][];
}

const DEFAULTS = { samples: 3, sampleFrames: 8 };
const MAX = { samples: 100, sampleFrames: 1000 };
/** A sample up to this frame leaves nothing to jump over, as every page draws frame 0 and the one before its range. */
const FIRST_JUMP = 3;

/**
 * The plan of `verifyPage`. Pure and synchronous: opens no address and touches no file.
 * Throws an OptionsError that lists every problem with the options.
 */
export function planVerification(composition: string, options: VerifyOptions): VerifyPlan {
  return prepareVerification(composition, readOptions(options), false).plan;
}

/** The plan and its resolved options, from options that have been read. With `look`, a path must lead to a file. */
export function prepareVerification(
  composition: string,
  options: VerifyOptions,
  look: boolean,
): { plan: VerifyPlan; resolved: ResolvedDistributedOptions } {
  const { compositionUrl, resolved } = withAddress(composition, look, (url) => {
    return { compositionUrl: url, resolved: resolveVerification(options) };
  });
  const { startFrame, frameCount, fps } = resolved;
  const samples = chooseSamples(startFrame, frameCount, { ...DEFAULTS, ...sampling(options) });

  const { pictures, samples: _samples, sampleFrames: _frames, ...given } = options;
  const shared = settledChunkOptions(given, resolved);
  const chunks: VerifyChunk[] = [];
  const chunksOf = (way: VerifyWay, chosen = samples) =>
    chosen.map((range): VerifyChunk => {
      const entry = way === 'seek' ? 'seek' : 'replay';
      const drawn: RendererOptions = { ...shared, ...range, lossless: true, entry };
      const names = { index: chunks.length, fileName: '', way, sample: samples.indexOf(range) };
      const chunk = { ...names, ...range, options: drawn };
      chunks.push(chunk);
      return chunk;
    });
  const alone = (chunk: VerifyChunk) => [chunk];
  const far = samples.filter((sample) => sample.startFrame >= FIRST_JUMP);
  const lanes = [
    chunksOf('once'),
    chunksOf('twice'),
    ...chunksOf('many').map(alone),
    ...chunksOf('seek', far).map(alone),
  ];

  const plan = {
    compositionUrl,
    outputPath: resolve(pictures),
    width: resolved.pixelWidth,
    height: resolved.pixelHeight,
    fps,
    startFrame,
    frameCount: chunks.reduce((sum, chunk) => sum + chunk.frameCount, 0),
    durationInSeconds: (frameCount * fps.den) / fps.num,
    concurrency: Math.min(resolved.concurrency, lanes.length),
    samples,
    chunks,
    lanes,
  };
  return { plan, resolved };
}

/** Checks the options. Throws an OptionsError that lists every problem. */
function resolveVerification(options: VerifyOptions): ResolvedDistributedOptions {
  const { pictures, samples: _samples, sampleFrames: _frames, ...rest } = options;
  const problems = Object.entries(sampling(options)).flatMap(([name, value]) => {
    const max = MAX[name as keyof typeof MAX];
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) return [];
    return [
      `${name} must be a whole number from 1 to ${max} (given: ${typeof value === 'string' ? value : printable(value)})`,
    ];
  });
  if (typeof pictures !== 'string' || pictures === '' || pictures.includes('\0'))
    problems.push('pictures must be the path of a folder');
  try {
    // Pictures have no codec, so the options are checked as for a video that allows any size.
    const resolved = parseDistributedOptions({ ...rest, lossless: true }, 'verify.mkv');
    if (problems.length === 0) return resolved;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    problems.unshift(...error.problems);
  }
  throw new OptionsError(problems);
}

function sampling({ samples, sampleFrames }: VerifyOptions): { samples?: number; sampleFrames?: number } {
  return { ...(samples === undefined ? {} : { samples }), ...(sampleFrames === undefined ? {} : { sampleFrames }) };
}

/** Ranges spread evenly from start to end. A single one is at the end, where most has happened before. */
function chooseSamples(start: number, frames: number, { samples, sampleFrames }: typeof DEFAULTS): Sample[] {
  if (frames <= samples * sampleFrames) return splitFrames(start, frames, Math.min(samples, frames));
  const last = frames - sampleFrames;
  return Array.from({ length: samples }, (_, index) => {
    const from = samples === 1 ? last : Math.round((index * last) / (samples - 1));
    return { startFrame: start + from, frameCount: sampleFrames };
  });
}
