import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { withAddress } from '../composition/compositionAddress.js';
import type { DistributedOptionsInput, RendererOptions } from '../options/groups.js';
import { parseDistributedOptions, settledChunkOptions, type ResolvedDistributedOptions } from '../options/options.js';
import { splitFrames, type RenderChunk, type RenderPlan } from '../options/plan.js';
import { chooseOutputs } from '../outputs/chooseOutput.js';

/** Up to this many seconds of video per worker, each gets a single chunk. More chunks would cost more than they gain. */
const ONE_CHUNK_SECONDS = 10;
/**
 * The first worker gets this many extra frames, because it is already drawing while the others are still on the way to
 * their first frame. Measured with two workers on two cores, 150 to 600 frames: the second began 1.1 to 2.2 s later, by
 * when the first had made 18 frames of a page in full motion, or 30 of a mostly still one. Smaller shares stay equal.
 */
const HEAD_START = { frames: 20, smallestShare: 60 };
/**
 * The longest chunk: x264 and x265 set a keyframe at least every 250 frames (their `keyint`), so that
 * the one at the start of such a chunk costs nothing.
 */
const LONGEST_CHUNK = 250;
/** The shortest chunk in seconds of video, if keyframes permit. It bounds how long idle workers wait for the last one. */
const SHORTEST_SECONDS = 1;
/**
 * At least this many frames per keyframe that the chunks add. A keyframe takes the bytes of two to four frames
 * (measured on the example pages), so that they stay below 2 % of the file.
 */
const FRAMES_PER_KEYFRAME = 200;

/**
 * Checks the options, which `readOptions` has read, and divides the frames into chunks. Pure: reads no file and opens
 * no address. The chunks are contiguous and in order, and free workers take them in that order. Throws an OptionsError
 * if the options or the address are invalid. With `look`, a path must lead to an existing file.
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

/** One range per worker. The first is longer if that lets all end together. */
function shares(startFrame: number, frameCount: number, workers: number) {
  const share = frameCount / workers;
  if (workers === 1 || share < HEAD_START.smallestShare) return splitFrames(startFrame, frameCount, workers);
  const more = HEAD_START.frames;
  const first = Math.ceil((frameCount - more) / workers) + more;
  return [{ startFrame, frameCount: first }, ...splitFrames(startFrame + first, frameCount - first, workers - 1)];
}

/** Lengths that are each `1 / divisor` of the remaining frames, within these limits: long chunks first, short last. */
function shrinkingLengths(frameCount: number, divisor: number, shortest: number, longest: number): number[] {
  const lengths: number[] = [];
  for (let left = frameCount; left > 0; left -= lengths.at(-1)!) {
    lengths.push(Math.min(left, longest, Math.max(shortest, Math.ceil(left / divisor))));
  }
  return lengths;
}
