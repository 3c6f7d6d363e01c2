import type { FrameRate } from './frameRate.js';
import type { RendererOptions } from './groups.js';

/** Options that name a file to be made beside the video; those of a chunk, one in the directory of the job. */
export const BESIDE = ['frameHashes'] as const;

/** A range of frames, rendered by one worker into one file. A worker may render several, one after the other. */
export interface RenderChunk {
  index: number;
  /** First frame, from 0. */
  startFrame: number;
  frameCount: number;
  /** `part_<index>.<ext>`, inside the job's directory. */
  fileName: string;
  options: RendererOptions;
}

/** What a render will do. Made without touching anything. */
export interface RenderPlan {
  compositionUrl: string;
  /** Absolute path of the finished file. */
  outputPath: string;
  /** Size of the video in pixels: the view times `scale`. */
  width: number;
  height: number;
  fps: FrameRate;
  startFrame: number;
  frameCount: number;
  durationInSeconds: number;
  /** Number of workers: never more than there are chunks. */
  concurrency: number;
  chunks: RenderChunk[];
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
