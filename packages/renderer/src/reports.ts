import type { RenderPhase } from './errors.js';
import type { FrameRate } from './options/frameRate.js';

/** What one worker did. */
export interface WorkerReport {
  /** Index of the worker, from 0. */
  worker: number;
  /** Indices of the chunks that it rendered, in its order. */
  chunks: number[];
  /** Frames of those chunks. */
  frames: number;
  /** Milliseconds from its first chunk's start to its last one's end. */
  wallMs: number;
  /** Its frames by that time. */
  framesPerSecond: number;
  /** Milliseconds in each phase. */
  phases: Partial<Record<RenderPhase, number>>;
}

/** A chunk that was begun again, and why. */
export interface RetryReport {
  /** Index of the worker, from 0. */
  worker: number;
  /** Index of the chunk, from 0. */
  chunk: number;
  /** Counted from 1. */
  attempt: number;
  /** How many there may be: the option `retries`. */
  of: number;
  /** The class and the message of the error that ended the attempt before. */
  error: { name: string; message: string };
  /** Where the worker was then. */
  phase?: RenderPhase;
  /** The frame that it was at, if at one. */
  frame?: number;
}

/** A frame that two workers drew differently. */
export interface SeamDifference {
  /** Frame number in the composition, from 0. */
  frame: number;
  /** The chunks on both sides of the seam. */
  chunks: [number, number];
  /** What differs in the page, one line each. */
  differences: string[];
  /** Of red, green and blue, in dB; undefined, as is `maxDifference`, when a picture is not there any more. */
  psnr?: number;
  /** The largest difference of a level, 1 to 255. */
  maxDifference?: number;
}

/** What a finished render was. */
export interface RenderReport {
  /** Absolute path of the video. */
  outputPath: string;
  /** Number of its frames. */
  frames: number;
  /** Width of the video in pixels. */
  width: number;
  /** Height of the video in pixels. */
  height: number;
  /** Frames per second, exactly. */
  fps: FrameRate;
  /** Length of the video in seconds. */
  durationInSeconds: number;
  /** Size of the file. */
  bytes: number;
  /** Milliseconds that the whole render took. */
  wallMs: number;
  /** Its frames by that time. */
  framesPerSecond: number;
  /** What each worker did, by its index. */
  workers: WorkerReport[];
  /** How many chunks there were; of them, how many were kept from before, and how many rendered again. */
  chunks: { total: number; reused: number; again: number };
  /**
   * The seams between chunks: at `audited` of them the frame was drawn by both pages and was the same;
   * at `continued` one page drew both sides. With `seams: 'warn'`, `differing` are those that do not fit.
   */
  seams: { total: number; audited: number; continued: number; differing?: SeamDifference[] };
  /** Every chunk that was begun again. Empty without the option `retries`. */
  retries: RetryReport[];
  /** Milliseconds in each phase of the whole render. `capture` is the time until the last worker was done. */
  phases: Partial<Record<RenderPhase, number>>;
}
