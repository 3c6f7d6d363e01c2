import type { WorkerPage } from '../capture/WorkerPage.js';
import type { RenderJobOptions } from '../types.js';

/**
 * What the orchestrator gives the Renderer of a chunk beside the job that an executor knows of. It passes through an
 * executor that renders in this process, and gets lost on the way to any other, which is right without it.
 */
export interface ChunkJob extends RenderJobOptions {
  /** The page that this worker keeps between its chunks. Default: one for this job alone. */
  workerPage?: WorkerPage;
}
