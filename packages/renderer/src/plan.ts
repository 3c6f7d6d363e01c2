import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseDistributedOptions, type ResolvedDistributedOptions } from './options.js';
import type { DistributedRenderOptions, RenderChunk, RendererOptions, RenderPlan } from './types.js';

/** Up to so many seconds of video a worker has one chunk: what it could gain by more is less than they cost. */
const ONE_CHUNK_SECONDS = 10;
/**
 * The longest chunk: x264 and x265 set a keyframe at least every 250 frames (their `keyint`), so that
 * the one at the start of such a chunk costs nothing.
 */
const LONGEST_CHUNK = 250;
/** The shortest, in seconds of video: there are few of them, and they end the wait for the last worker. */
const SHORTEST_SECONDS = 1;

/**
 * Decides which frames are rendered together. Pure: reads no file and opens no address. The chunks are
 * contiguous and in order; workers take them in that order as they come free.
 * Throws an OptionsError when the options cannot be rendered.
 */
export function createPlan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
  const { executor: _executor, ...data } = options;
  const resolved = parseDistributedOptions(data, outputPath);
  const ranges = chunkRanges(resolved);
  const concurrency = Math.min(resolved.concurrency, ranges.length);
  const { concurrency: _concurrency, durationInSeconds: _duration, frameHashes, ...given } = data;
  // These are of the render as a whole, which keeps them itself.
  const { retries: _retries, timeoutMs: _timeoutMs, minFreeDiskMB: _minFreeDiskMB, ...rest } = given;
  const { chunkFrames: _chunkFrames, ...shared } = rest;
  const encoderThreads = data.encoderThreads ?? Math.max(1, Math.round(availableParallelism() / concurrency));

  const chunks = ranges.map(({ startFrame, frameCount }, index): RenderChunk => {
    const chunkOptions: RendererOptions = { ...shared, startFrame, frameCount, encoderThreads };
    // The chunk's extension must not change the codec that the output's extension asked for.
    if (!resolved.lossless) chunkOptions.videoCodec = resolved.codec.encoder;
    if (frameHashes !== undefined) chunkOptions.frameHashes = `part_${index}.hashes`;
    if (ranges.length > 1) chunkOptions.seams = `part_${index}.seam`;
    const fileName = `part_${index}.${resolved.codec.chunkExtension}`;
    return { index, startFrame, frameCount, fileName, options: chunkOptions };
  });

  return {
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
}

/** The frames of each chunk. */
function chunkRanges(options: ResolvedDistributedOptions): { startFrame: number; frameCount: number }[] {
  const { startFrame, frameCount, fps, concurrency, chunkFrames } = options;
  const perSecond = fps.num / fps.den;
  if (chunkFrames === undefined && frameCount <= concurrency * ONE_CHUNK_SECONDS * perSecond) {
    return splitFrames(startFrame, frameCount, Math.min(concurrency, frameCount));
  }
  const shortest = Math.min(LONGEST_CHUNK, Math.ceil(SHORTEST_SECONDS * perSecond));
  const ranges = [];
  for (let done = 0; done < frameCount;) {
    const left = frameCount - done;
    // Half of a worker's share of what is left: the chunks shrink, and the workers end together.
    const share = Math.ceil(left / (2 * concurrency));
    const length = Math.min(left, chunkFrames ?? Math.min(LONGEST_CHUNK, Math.max(shortest, share)));
    ranges.push({ startFrame: startFrame + done, frameCount: length });
    done += length;
  }
  return ranges;
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
