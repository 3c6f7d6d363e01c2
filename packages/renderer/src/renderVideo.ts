import { RenderOrchestrator } from './Orchestrator.js';
import type { DistributedRenderOptions, RenderJobOptions, RenderReport } from './types.js';

/**
 * Renders a page to a video file. `page` is an http:, https:, file: or data: address, or the path of a file; `file`
 * ends in .mp4, .mov, .mkv or .webm. Resolves with a report when the file is complete and in its place.
 *
 * Rejects with an OptionsError, before anything starts, if the options cannot be satisfied. Rejects with
 * `job.signal.reason` itself after an abort, else with the first failure itself. By then every worker has stopped,
 * nothing of the render is left, and `file` is unchanged. `stopReceiptOf(error)` says what was stopped.
 *
 * The same as `RenderOrchestrator.render`.
 */
export async function renderVideo(
  page: string,
  file: string,
  options: DistributedRenderOptions,
  job: RenderJobOptions = {},
): Promise<RenderReport> {
  return RenderOrchestrator.render(page, file, options, job);
}
