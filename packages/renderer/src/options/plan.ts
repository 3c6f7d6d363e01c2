import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { withAddress } from '../composition/compositionAddress.js';
import type { FrameRate } from './frameRate.js';
import type { DistributedOptionsInput, RendererOptions } from './groups.js';
import { parseDistributedOptions, settledChunkOptions, type ResolvedDistributedOptions } from './options.js';

/** Up to so many seconds of video a worker has one chunk: what it could gain by more is less than they cost. */
const ONE_CHUNK_SECONDS = 10;
/**
 * So many frames more are the first worker's: it is drawing while the others are still on the way to theirs. Measured
 * with two workers on two cores, 150 to 600 frames: the second began 1.1 to 2.2 s later, in which the first had made
 * 18 frames of a page in full motion and 30 of one that mostly stands still. Smaller shares are left equal.
 */
const HEAD_START = { frames: 20, smallestShare: 60 };
/**
 * The longest chunk: x264 and x265 set a keyframe at least every 250 frames (their `keyint`), so that
 * the one at the start of such a chunk costs nothing.
 */
const LONGEST_CHUNK = 250;
/** The shortest, in seconds of video, where keyframes allow: the longest that a worker waits for the last one. */
const SHORTEST_SECONDS = 1;
/**
 * At least so many frames for each keyframe that the chunks add: one costs two to four frames' bytes
 * (measured on the example pages), so that they stay below 2 % of the file.
 */
const FRAMES_PER_KEYFRAME = 200;

/** A range of frames, rendered by one worker into one file. A worker may render several, one after the other. */
export interface RenderChunk {
  /** Its place among the chunks of the render, from 0. */
  index: number;
  /** First frame, from 0. */
  startFrame: number;
  /** Its length in frames. */
  frameCount: number;
  /** `part_<index>.<ext>`, inside the job's directory. */
  fileName: string;
  /** What it is rendered with. Plain data: it survives JSON. */
  options: RendererOptions;
}

/** What a render will do. Made without touching anything. */
export interface RenderPlan {
  /** The address of the page: of a path that was given, its file: address. */
  compositionUrl: string;
  /** Absolute path of the finished file. */
  outputPath: string;
  /** Width of the video in pixels: the view times `scale`. */
  width: number;
  /** Height of the video in pixels. */
  height: number;
  /** Frames per second, exactly. */
  fps: FrameRate;
  /** First frame, from 0. */
  startFrame: number;
  /** Number of frames of the video. */
  frameCount: number;
  /** Length of the video in seconds. */
  durationInSeconds: number;
  /** Number of workers: never more than there are chunks. */
  concurrency: number;
  /** In the order of their frames, without a gap. */
  chunks: RenderChunk[];
}

/**
 * Checks the options, as `readOptions` gives them, and decides which frames are rendered together. Pure: reads no
 * file and opens no address. The chunks are contiguous and in order; workers take them in that order as they come free.
 * Throws an OptionsError when the options cannot be rendered, or the address is none. With `look` one that is a
 * path must lead to a file.
 */
export function planRender(
  composition: string,
  outputPath: string,
  { executor: _executor, ...data }: DistributedOptionsInput & { executor?: unknown },
  look = false,
): { plan: RenderPlan; resolved: ResolvedDistributedOptions } {
  const { compositionUrl, resolved } = withAddress(composition, look, (url) => {
    return { compositionUrl: url, resolved: parseDistributedOptions(data, outputPath) };
  });
  const ranges = chunkRanges(resolved);
  const concurrency = Math.min(resolved.concurrency, ranges.length);
  const shared = settledChunkOptions(data, resolved);
  const encoderThreads = data.encoderThreads ?? Math.max(1, Math.round(availableParallelism() / concurrency));

  const chunks = ranges.map(({ startFrame, frameCount }, index): RenderChunk => {
    const options: RendererOptions = { ...shared, startFrame, frameCount, encoderThreads };
    // The chunk's extension must not change the codec that the output's extension asked for.
    if (!resolved.lossless) options.videoCodec = resolved.codec.encoder;
    if (data.frameHashes !== undefined) options.frameHashes = `part_${index}.hashes`;
    const isPart = ranges.length > 1;
    if (isPart) Object.assign(options, { seamFiles: `part_${index}.seam`, joinable: true });
    if (isPart && index === ranges.length - 1) options.endSeam = false;
    // The only one is the finished file.
    const fileName = `part_${index}.${isPart ? resolved.codec.chunkExtension : resolved.extension}`;
    return { index, startFrame, frameCount, fileName, options };
  });

  const plan = {
    compositionUrl,
    outputPath: resolve(outputPath),
    width: resolved.pixelWidth,
    height: resolved.pixelHeight,
    fps: resolved.fps,
    startFrame: resolved.startFrame,
    frameCount: resolved.frameCount,
    durationInSeconds: (resolved.frameCount * resolved.fps.den) / resolved.fps.num,
    concurrency,
    chunks,
  };
  return { plan, resolved };
}

/** The frames of each chunk. */
function chunkRanges(options: ResolvedDistributedOptions): { startFrame: number; frameCount: number }[] {
  const { startFrame, frameCount, fps, concurrency, chunkFrames } = options;
  const perSecond = fps.num / fps.den;
  let lengths: number[];
  if (chunkFrames !== undefined) lengths = shrinkingLengths(frameCount, Infinity, chunkFrames, chunkFrames);
  else if (frameCount <= concurrency * ONE_CHUNK_SECONDS * perSecond) {
    return shares(startFrame, frameCount, Math.min(concurrency, frameCount));
  } else {
    const allowed = Math.ceil(frameCount / LONGEST_CHUNK) + Math.floor(frameCount / FRAMES_PER_KEYFRAME);
    let shortest = Math.ceil(SHORTEST_SECONDS * perSecond);
    do {
      lengths = shrinkingLengths(frameCount, concurrency === 1 ? 1 : 2 * concurrency, shortest, LONGEST_CHUNK);
      shortest = Math.ceil(shortest * 1.25);
    } while (lengths.length > allowed && shortest < LONGEST_CHUNK);
  }
  let next = startFrame;
  return lengths.map((length) => ({ startFrame: (next += length) - length, frameCount: length }));
}

/** One range for each worker; the first one is longer where that lets them end together. */
function shares(startFrame: number, frameCount: number, workers: number) {
  const share = frameCount / workers;
  if (workers === 1 || share < HEAD_START.smallestShare) return splitFrames(startFrame, frameCount, workers);
  const more = HEAD_START.frames;
  const first = Math.ceil((frameCount - more) / workers) + more;
  return [{ startFrame, frameCount: first }, ...splitFrames(startFrame + first, frameCount - first, workers - 1)];
}

/** Each length is `1 / divisor` of what is left, within these limits: long chunks first, short ones last. */
function shrinkingLengths(frameCount: number, divisor: number, shortest: number, longest: number): number[] {
  const lengths: number[] = [];
  for (let left = frameCount; left > 0; left -= lengths.at(-1)!) {
    lengths.push(Math.min(left, longest, Math.max(shortest, Math.ceil(left / divisor))));
  }
  return lengths;
}

/** Splits a range of frames into `parts` contiguous ranges; the longer ones come first. */
export function splitFrames(
  startFrame: number,
  frameCount: number,
  parts: number,
): { startFrame: number; frameCount: number }[] {
  const base = Math.floor(frameCount / parts);
  const longer = frameCount % parts;
  return Array.from({ length: parts }, (_, index) => ({
    startFrame: startFrame + index * base + Math.min(index, longer),
    frameCount: base + (index < longer ? 1 : 0),
  }));
}
