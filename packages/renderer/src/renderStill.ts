import { writeFile } from 'node:fs/promises';
import { BrowserSession } from './browser/BrowserSession.js';
import { PageSession } from './browser/PageSession.js';
import { ScreenshotSource } from './capture/ScreenshotSource.js';
import { JobScope } from './lifecycle/JobScope.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { parseRendererOptions } from './options.js';
import type { RendererOptions, RenderJobOptions } from './types.js';

export type StillOptions = Omit<RendererOptions, 'startFrame' | 'frameCount' | 'durationInSeconds'> & {
  /** The frame to draw, from 0. */
  frame: number;
};

export interface StillReport {
  outputPath: string;
  frame: number;
  /** Size of the picture in pixels. */
  width: number;
  height: number;
  bytes: number;
}

/**
 * Draws one frame of a page to a PNG file: the very picture that a video of the page has there.
 * Stops, settles and leaves nothing behind as `Renderer.render` does.
 */
export async function renderStill(
  compositionUrl: string,
  outputPath: string,
  { frame, ...stillOptions }: StillOptions,
  jobOptions: RenderJobOptions = {},
): Promise<StillReport> {
  jobOptions.signal?.throwIfAborted();
  // A picture has no codec: the options are checked as those of a video that any size fits into.
  const options = parseRendererOptions(
    { ...stillOptions, lossless: true, startFrame: frame, frameCount: 1 },
    'still.mkv',
  );
  using scope = new JobScope(jobOptions);
  scope.enter('launch');
  let report: StillReport;
  try {
    await using directory = await WorkDirectory.create(scope.leftover);
    await using output = new StagedOutput(outputPath, scope.leftover);
    scope.signal.throwIfAborted();
    await using session = await BrowserSession.launch(scope, options, directory.path);
    const page = await PageSession.open(session, scope, options);
    scope.enter('load');
    await page.load(compositionUrl);
    const source = new ScreenshotSource(page);
    scope.enter('seek');
    await source.seek(frame);
    scope.enter('capture');
    const drawn = await source.capture(frame);
    const png = drawn.kind === 'picture' ? drawn.png : await source.picture();
    await page.settle(options.deadlines.capture);
    scope.enter('commit');
    await writeFile(output.path, png);
    await output.commit(scope.signal);
    const { pixelWidth: width, pixelHeight: height } = options;
    report = { outputPath: output.destination, frame, width, height, bytes: png.length };
  } catch (error) {
    scope.fail(error);
    throw scope.signal.reason;
  }
  scope.throwIfLeftovers();
  return report;
}
