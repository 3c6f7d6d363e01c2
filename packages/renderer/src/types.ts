import type { BrowserPool } from './browser/BrowserPool.js';
import type { RenderEvent } from './events.js';
import type { ChunkResult } from './executors/ChunkResult.js';
import type { RenderHooks } from './lifecycle/hooks.js';
import type { DistributedOptionsInput, RendererOptions } from './options/groups.js';
import type { ToolVersions } from './toolVersions.js';

export type * from './options/groups.js';
export type { FrameRate } from './options/frameRate.js';
export type { RenderChunk, RenderPlan } from './options/plan.js';
export type { RenderHooks } from './lifecycle/hooks.js';
export type { ChunkResult } from './executors/ChunkResult.js';
export type { VideoCoding } from './ffmpeg/coding.js';
export type { FileStamp } from './ffmpeg/fileStamp.js';
export type * from './reports.js';

/** The options of a whole render: what to render, and how the work is divided among workers. */
export type DistributedRenderOptions = DistributedOptionsInput & {
  /** Where chunks are rendered. Default: in this process, by `Renderer.prototype.render`. */
  executor?: RenderExecutor;
};

/** The live handles of one render. */
export interface RenderJobOptions {
  /** Stops the render, which rejects with `signal.reason` itself once nothing of it is left. */
  signal?: AbortSignal;
  /**
   * Called with the share of the frames that are rendered, from 0 to 1. It never decreases, and reaches 1 before the
   * chunks are joined. As with `onEvent`, an error that it throws or rejects with fails the render.
   */
  onProgress?: (share: number) => unknown;
  /**
   * Called with everything else that happens. An error that it throws fails the render; so does a rejection of the
   * promise that an async function returns, while the render is running. The render does not wait for that promise.
   */
  onEvent?: (event: RenderEvent) => unknown;
  /**
   * Index of the worker that runs this job, for messages and events. Default 0. A job with an index is part of a
   * larger render, which emits one `stopped` event for all of its jobs: the job itself emits none.
   */
  worker?: number;
  /**
   * Browsers that the program keeps from render to render. The render borrows those that it can use and returns them
   * when it has finished with them. Default: it starts its own browsers and ends them.
   */
  browsers?: BrowserPool;
  /** For tests: called before each step of the render, which it can delay or fail. */
  hooks?: RenderHooks;
}

/**
 * Renders chunks. `render` writes the frames that `options` name to `outputPath`; it may resolve with what it knows
 * about them, or with nothing.
 */
export interface RenderExecutor {
  /**
   * Renders one chunk as `Renderer.prototype.render` does: settles once nothing of the job is left, and rejects with
   * `jobOptions.signal.reason` itself after an abort. `options` survive JSON; `jobOptions` are live handles of this
   * process.
   */
  render(
    compositionUrl: string,
    outputPath: string,
    options: RendererOptions,
    jobOptions: RenderJobOptions,
  ): Promise<ChunkResult | void>;
  /**
   * The tools that all workers of this executor use, as `toolVersions` reports them for the machine it runs on. Needed
   * for `keepChunks`: without it no chunk is found or kept. Do not implement it if a worker may read other content than
   * this process does at the same address. Chunks are kept only for workers whose `files` events are forwarded.
   */
  versions?(
    options: RendererOptions,
    jobOptions: Pick<RenderJobOptions, 'signal'>,
  ): Promise<ToolVersions> | ToolVersions;
}
