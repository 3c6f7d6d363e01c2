import type { WorkerPage } from '../capture/WorkerPage.js';
import type { VideoCoding } from '../ffmpeg/coding.js';
import type { FileStamp } from '../ffmpeg/fileStamp.js';
import type { RenderJobOptions } from '../types.js';

/**
 * What the orchestrator gives the Renderer of a chunk beside the job that an executor knows of. It passes through an
 * executor that renders in this process, and gets lost on the way to any other, which is right without it.
 */
export interface ChunkJob extends RenderJobOptions {
  /** The page that this worker keeps between its chunks. Default: one for this job alone. */
  workerPage?: WorkerPage;
  /**
   * Is told what the finished output is, by which it is known again, and how it is coded: it was verified as
   * that, and whoever gave the job need not look into it once more.
   */
  onVerified?: (stamp: FileStamp, coding: VideoCoding) => unknown;
}
