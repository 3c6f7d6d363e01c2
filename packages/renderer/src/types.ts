import type { BrowserPool } from './browser/BrowserPool.js';
import type { WarmBrowser } from './browser/WarmBrowser.js';
import type { RenderPhase, RenderPosition } from './errors.js';
import type { RenderEvent } from './events.js';
import type { VideoCoding } from './ffmpeg/coding.js';
import type { FileStamp } from './ffmpeg/fileStamp.js';
import type { FrameRate } from './options/frameRate.js';
import type { DistributedOptionsInput, RendererOptions } from './options/groups.js';
import type { ToolVersions } from './toolVersions.js';

export type * from './options/groups.js';
export type { FrameRate } from './options/frameRate.js';

/** What a whole render is made with: the frames, and how the work is shared out. */
export type DistributedRenderOptions = DistributedOptionsInput & {
  /** Where chunks run. Default: in this process, through `Renderer.prototype.render`. */
  executor?: RenderExecutor;
};

/** The live handles of one render. */
export interface RenderJobOptions {
  /** Stops the render: it rejects with `signal.reason` itself, after nothing is left. */
  signal?: AbortSignal;
  /**
   * Share of the frames that are rendered, 0 to 1; never falls; 1 comes before the join. As with `onEvent`, what it
   * throws or rejects with fails the render.
   */
  onProgress?: (share: number) => unknown;
  /**
   * Everything else that happens. What it throws is a failure of the render; so is what its promise rejects with,
   * if it is an async function, as long as the render runs. It is not waited for.
   */
  onEvent?: (event: RenderEvent) => unknown;
  /**
   * Index of the worker that this job runs on, for messages and events. Default 0. A job that has one
   * is a part of a larger render, which tells of the stop for all of them: it sends no `stopped` itself.
   */
  worker?: number;
  /**
   * Browsers that the program keeps from render to render. The render borrows those that it can use,
   * and gives them back when it is done with them. Default: it starts its own, and ends them.
   */
  browsers?: BrowserPool;
  /** The browser that this worker keeps between its chunks. Default: one for this job alone. */
  warm?: WarmBrowser;
  /**
   * Is told what the finished output is, by which it is known again, and how it is coded: it was verified as
   * that, and whoever gave the job need not look into it once more. An executor that cannot pass it on leaves it out.
   */
  onVerified?: (stamp: FileStamp, coding: VideoCoding) => unknown;
  /** For tests: is told each step of the render before it happens, and can hold or fail it there. */
  hooks?: RenderHooks;
}

/** The seam through which tests put faults into a render at an exact place. */
export interface RenderHooks {
  /**
   * Called before a step: once for a phase, before each frame in `seek`, `capture` and `encode`. The
   * render goes on when the promise resolves, fails with the very error that it rejects with, and
   * does not wait for it after an abort. `position` has the phase, and the worker and frame if any.
   */
  at(position: RenderPosition & { phase: RenderPhase }): Promise<void> | void;
}

/** Where a chunk runs. `render` writes the frames that `options` name to `outputPath`. */
export interface RenderExecutor {
  render(
    compositionUrl: string,
    outputPath: string,
    options: RendererOptions,
    jobOptions: RenderJobOptions,
  ): Promise<unknown>;
  /**
   * What all of its workers make chunks with, as `toolVersions` tells it of the machine that it is called on; for
   * `keepChunks`, which without it neither finds nor keeps any chunk. A worker that reads another file than
   * this process does at the same address must not be spoken for. Chunks are kept only of workers whose
   * `files` events are passed on.
   */
  versions?(
    options: RendererOptions,
    jobOptions: Pick<RenderJobOptions, 'signal'>,
  ): Promise<ToolVersions> | ToolVersions;
}

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

/** What one worker did. */
export interface WorkerReport {
  worker: number;
  /** Indices of the chunks that it rendered, in its order. */
  chunks: number[];
  /** Frames of those chunks. */
  frames: number;
  wallMs: number;
  framesPerSecond: number;
  /** Milliseconds in each phase. */
  phases: Partial<Record<RenderPhase, number>>;
}

/** A chunk that was begun again, and why. */
export interface RetryReport {
  worker: number;
  chunk: number;
  /** Counted from 1. */
  attempt: number;
  /** How many there may be: the option `retries`. */
  of: number;
  /** The class and the message of the error that ended the attempt before. */
  error: { name: string; message: string };
  /** Where the worker was then. */
  phase?: RenderPhase;
  frame?: number;
}

/** A frame that two workers drew differently. */
export interface SeamDifference {
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
  outputPath: string;
  frames: number;
  width: number;
  height: number;
  fps: FrameRate;
  durationInSeconds: number;
  bytes: number;
  wallMs: number;
  framesPerSecond: number;
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
