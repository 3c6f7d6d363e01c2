import { seekToStart } from '../capture/seekToStart.js';
import { pageState } from '../capture/seams.js';
import type { WorkerPage } from '../capture/WorkerPage.js';
import { findHardening } from '../lifecycle/hardening.js';
import { JobScope } from '../lifecycle/JobScope.js';
import { parseRendererOptions } from '../options/options.js';
import type { RendererOptions, RenderJobOptions } from '../types.js';

/** Takes a frame: its picture as PNG, and what is in the page as JSON. */
type KeepFrame = (frame: number, png: Buffer, page: string) => Promise<void>;

/**
 * Draws the frames that the options name and gives each one to `keep`. A job of its own, as
 * `Renderer.render` is one, but without an encoder. Returns whether its browser draws the same pixels
 * each time, as far as that is up to the browser.
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
        // A failure that the last frame caused may be told only after its picture.
        await source.page.settle(deadlines.capture);
        if (!workerPage.isWanted()) await workerPage.close();
        return { exact: source.page.session.beginFrameControl };
      });
    } finally {
      // Nothing is left of a job that has failed, also of one that was not to be the page's last.
      if (scope.signal.aborted) await workerPage.close();
    }
  });
}
