import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseDistributedOptions } from './options.js';
import type { DistributedRenderOptions, RenderChunk, RendererOptions, RenderPlan } from './types.js';

/**
 * Decides which worker renders which frames. Pure: reads no file and opens no address.
 * Frames are dealt out in contiguous chunks, one a worker, whose sizes differ by at most one.
 * Throws an OptionsError when the options cannot be rendered.
 */
export function createPlan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
  const { executor: _executor, ...data } = options;
  const resolved = parseDistributedOptions(data, outputPath);
  const concurrency = Math.min(resolved.concurrency, resolved.frameCount);
  const { concurrency: _concurrency, durationInSeconds: _duration, frameHashes, ...given } = data;
  // These are of the render as a whole, which keeps them itself.
  const { retries: _retries, timeoutMs: _timeoutMs, minFreeDiskMB: _minFreeDiskMB, ...shared } = given;
  const encoderThreads = data.encoderThreads ?? Math.max(1, Math.round(availableParallelism() / concurrency));

  const chunks = splitFrames(resolved.startFrame, resolved.frameCount, concurrency).map(
    ({ startFrame, frameCount }, index): RenderChunk => {
      const chunkOptions: RendererOptions = { ...shared, startFrame, frameCount, encoderThreads };
      // The chunk's extension must not change the codec that the output's extension asked for.
      if (!resolved.lossless) chunkOptions.videoCodec = resolved.codec.encoder;
      if (frameHashes !== undefined) chunkOptions.frameHashes = `part_${index}.hashes`;
      return {
        index,
        startFrame,
        frameCount,
        fileName: `part_${index}.${resolved.codec.chunkExtension}`,
        options: chunkOptions,
      };
    },
  );

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
