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
  /** For tests: is told each step of the render before it happens, and can hold or fail it there. */
  hooks?: RenderHooks;
}

/**
 * Where a chunk runs. `render` writes the frames that `options` name to `outputPath`; it may resolve with what is
 * known of them, or with nothing.
 */
export interface RenderExecutor {
  /**
   * Renders one chunk, as `Renderer.prototype.render` does: settles when nothing of it is left, and rejects with
   * `jobOptions.signal.reason` itself after an abort. `options` survive JSON; `jobOptions` are handles of this process.
   */
  render(
    compositionUrl: string,
    outputPath: string,
    options: RendererOptions,
    jobOptions: RenderJobOptions,
  ): Promise<ChunkResult | void>;
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
