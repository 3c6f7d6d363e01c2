import type { WorkerPage } from '../capture/WorkerPage.js';
import type { RenderJobOptions } from '../types.js';

/**
 * What the orchestrator passes to the Renderer of a chunk in addition to the job options that an executor knows. It
 * gets through an executor that renders in this process. Any other executor drops it, and works without it.
 */
export interface ChunkJob extends RenderJobOptions {
  /** The page that this worker keeps between its chunks. Default: one for this job alone. */
  workerPage?: WorkerPage;
}
