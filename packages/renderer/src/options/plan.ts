import type { FrameRate } from './frameRate.js';
import type { RendererOptions } from './groups.js';

/** Options that name a file made alongside the video. In a chunk's options, it is a file in the job's directory. */
export const SIDE_FILES = ['frameHashes'] as const;

/** A range of frames, rendered by one worker into one file. A worker may render several, one after the other. */
export interface RenderChunk {
  /** Its index among the chunks of the render, from 0. */
  index: number;
  /** First frame, from 0. */
  startFrame: number;
  /** Its length in frames. */
  frameCount: number;
  /** `part_<index>.<ext>`, inside the job's directory. */
  fileName: string;
  /** The options to render it with. Plain data that survives JSON. */
  options: RendererOptions;
}

/** What a render will do. Planning touches no file and starts nothing. */
export interface RenderPlan {
  /** The address of the page. For a path, its file: address. */
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
