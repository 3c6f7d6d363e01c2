import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { withAddress } from '../composition/compositionAddress.js';
import type { DistributedOptionsInput, RendererOptions } from '../options/groups.js';
import { parseDistributedOptions, settledChunkOptions, type ResolvedDistributedOptions } from '../options/options.js';
import { splitFrames, type RenderChunk, type RenderPlan } from '../options/plan.js';
import { chooseOutputs } from '../outputs/chooseOutput.js';

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

  const destination = resolve(outputPath);
  const isPart = ranges.length > 1;
  const { main, beside } = chooseOutputs(destination, resolved);
  const format = main.chunkFormat(isPart);
  const chunks = ranges.map(({ startFrame, frameCount }, index): RenderChunk => {
    const options: RendererOptions = { ...shared, startFrame, frameCount, encoderThreads, ...format.options };
    for (const output of beside) options[output.option] = `part_${index}.${output.chunkFormat(isPart).extension}`;
    if (isPart) options.seamFiles = `part_${index}.seam`;
    if (isPart && index === ranges.length - 1) options.endSeam = false;
    return { index, startFrame, frameCount, fileName: `part_${index}.${format.extension}`, options };
  });

  const plan = {
    compositionUrl,
    outputPath: destination,
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
