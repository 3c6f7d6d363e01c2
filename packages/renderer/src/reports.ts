import type { RenderPhase } from './errors.js';
import type { FrameRate } from './options/frameRate.js';

/** What one worker rendered. */
export interface WorkerReport {
  /** Index of the worker, from 0. */
  worker: number;
  /** Indices of the chunks that it rendered, in the order in which it rendered them. */
  chunks: number[];
  /** Number of frames in those chunks. */
  frames: number;
  /** Milliseconds from the start of its first chunk to the end of its last one. */
  wallMs: number;
  /** `frames` per second of `wallMs`. */
  framesPerSecond: number;
  /** Milliseconds spent in each phase. */
  phases: Partial<Record<RenderPhase, number>>;
}

/** A retry of a chunk, and the reason for it. */
export interface RetryReport {
  /** Index of the worker, from 0. */
  worker: number;
  /** Index of the chunk, from 0. */
  chunk: number;
  /** The number of this retry, from 1. */
  attempt: number;
  /** The maximum number of retries: the option `retries`. */
  of: number;
  /** The class and message of the error that ended the previous attempt. */
  error: { name: string; message: string };
  /** The phase in which the error happened. */
  phase?: RenderPhase;
  /** The frame at which the error happened, if the worker was at one. */
  frame?: number;
}

/** A frame that two workers drew differently. */
export interface SeamDifference {
  /** Frame number in the composition, from 0. */
  frame: number;
  /** The chunks on both sides of the seam. */
  chunks: [number, number];
  /** The differences in the page, one line each. */
  differences: string[];
  /** PSNR over red, green and blue, in dB. Undefined, like `maxDifference`, if a picture no longer exists. */
  psnr?: number;
  /** The largest difference between two colour values, 1 to 255. */
  maxDifference?: number;
}

/** The result of a finished render. */
export interface RenderReport {
  /** Absolute path of the video. */
  outputPath: string;
  /** Number of its frames. */
  frames: number;
  /** Width of the video in pixels. */
  width: number;
  /** Height of the video in pixels. */
  height: number;
  /** The exact frame rate. */
  fps: FrameRate;
  /** Length of the video in seconds. */
  durationInSeconds: number;
  /** Size of the file in bytes. */
  bytes: number;
  /** Milliseconds that the whole render took. */
  wallMs: number;
  /** `frames` per second of `wallMs`. */
  framesPerSecond: number;
  /** What each worker rendered, by worker index. */
  workers: WorkerReport[];
  /** The number of chunks; how many of them were reused from an earlier render, and how many were rendered again. */
  chunks: { total: number; reused: number; again: number };
  /**
   * The seams between chunks. At `audited` seams two pages drew the same frame, and the pictures were identical;
   * at `continued` seams one page drew both sides. With `seams: 'warn'`, `differing` lists the seams that do not match.
   */
  seams: { total: number; audited: number; continued: number; differing?: SeamDifference[] };
  /** Every retry of a chunk. Empty without the option `retries`. */
  retries: RetryReport[];
  /** Milliseconds in each phase of the whole render. `capture` is the time until the last worker finished. */
  phases: Partial<Record<RenderPhase, number>>;
}
