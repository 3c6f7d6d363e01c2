import { seekToStart } from '../capture/seekToStart.js';
import { pageState } from '../capture/seams.js';
import type { WorkerPage } from '../capture/WorkerPage.js';
import { findHardening } from '../lifecycle/hardening.js';
import { JobScope } from '../lifecycle/JobScope.js';
import { parseRendererOptions } from '../options/options.js';
import type { RendererOptions, RenderJobOptions } from '../types.js';

/** Receives a frame: its picture as PNG, and a description of the page as JSON. */
type KeepFrame = (frame: number, png: Buffer, page: string) => Promise<void>;

/**
 * Draws the frames given by the options and passes each one to `keep`. It is a separate job, like
 * `Renderer.render`, but without an encoder. Resolves with whether its browser itself draws the same
 * pixels every time.
 */
export async function drawSample(
  url: string,
  outputPath: string,
  rendererOptions: RendererOptions,
  jobOptions: RenderJobOptions,
  workerPage: WorkerPage,
  keep: KeepFrame,
): Promise<{ exact: boolean }> {
  const options = parseRendererOptions(rendererOptions, 'verify.mkv', url);
  return JobScope.run({ ...jobOptions, keeper: workerPage }, options, outputPath, async (scope) => {
    await scope.enter('launch');
    if (options.hardening) scope.hardening = await findHardening(scope.signal);
    try {
      return await scope.guard(async () => {
        const { source } = await seekToStart(workerPage, scope, options, url);
        await scope.enter('capture');
        const { startFrame, frameCount, deadlines } = options;
        for (let rendered = 1; rendered <= frameCount; rendered++) {
          const frame = startFrame + rendered - 1;
          scope.position.frame = frame;
          await scope.step('capture');
          const drawn = await source.capture(frame);
          const png = drawn.kind === 'picture' ? drawn.png : await source.picture();
          const page = await pageState(source, options, scope);
          await scope.wait(keep(frame, png, page), deadlines.capture, 'the disk to take a picture');
          scope.emit({ type: 'frame', frame, worker: scope.worker, rendered, total: frameCount });
          scope.callListener(() => jobOptions.onProgress?.(rendered / frameCount));
        }
        // A failure caused by the last frame may be reported only after its picture.
        await source.page.settle(deadlines.capture);
        if (!workerPage.isWanted()) await workerPage.close();
        return { exact: source.page.session.beginFrameControl };
      });
    } finally {
      // A failed job leaves nothing, even if the page was meant for further jobs.
      if (scope.signal.aborted) await workerPage.close();
    }
  });
}
