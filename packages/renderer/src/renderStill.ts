import { resolve } from 'node:path';
import { seekToStart } from './capture/seekToStart.js';
import { WorkerPage } from './capture/WorkerPage.js';
import { withAddress } from './composition/compositionAddress.js';
import { OptionsError } from './errors.js';
import { findHardening } from './lifecycle/hardening.js';
import { JobScope } from './lifecycle/JobScope.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { parseRendererOptions, rendererSchema, type ResolvedOptions } from './options/options.js';
import { readOptions } from './options/readOptions.js';
import { checkPlaces } from './outputs/checkPlaces.js';
import { OutputSet } from './outputs/OutputSet.js';
import { PictureFile } from './outputs/PictureFile.js';
import type { OutputOptions, RendererOptions, RenderJobOptions } from './types.js';

/** The options of a still. Nothing is encoded, so there is no codec. */
export type StillOptions = Omit<
  RendererOptions,
  keyof OutputOptions | 'startFrame' | 'frameCount' | 'durationInSeconds'
> & {
  /** The frame to draw, from 0. */
  frame: number;
};

/** The result of a finished still. */
export interface StillReport {
  /** Absolute path of the picture. */
  outputPath: string;
  /** The frame that it shows, from 0. */
  frame: number;
  /** Width of the picture in pixels. */
  width: number;
  /** Height of the picture in pixels. */
  height: number;
  /** Size of the file in bytes. */
  bytes: number;
}

/**
 * Draws one frame of a page, given by its address or by the path of a file, to a PNG file. It is the same picture that
 * a video of the page shows at that frame. Stops, settles and cleans up as `Renderer.render` does.
 */
export async function renderStill(
  compositionUrl: string,
  outputPath: string,
  stillOptions: StillOptions,
  jobOptions: RenderJobOptions = {},
): Promise<StillReport> {
  jobOptions.signal?.throwIfAborted();
  const read = readOptions(stillOptions);
  const { frame } = read;
  const { url, options } = withAddress(compositionUrl, true, (address) => {
    return { url: address, options: resolveStill(read, address) };
  });
  checkPlaces(url, { output: outputPath });
  const outputs = new OutputSet(new PictureFile(resolve(outputPath)));
  const { destination } = outputs.main;
  return JobScope.run(jobOptions, options, destination, async (scope) => {
    await scope.enter('launch');
    if (options.hardening) scope.hardening = await findHardening(scope.signal);
    // The guardian watches from before the first byte of the picture until after the last one.
    await using directory = await WorkDirectory.create(scope.leftover, scope.signal);
    await outputs.probe(scope.leftover);
    await using _outputs = outputs.stage(scope, directory);
    scope.signal.throwIfAborted();
    await using workerPage = new WorkerPage();
    const { source } = await seekToStart(workerPage, scope, options, url, jobOptions.browsers);
    await scope.enter('capture');
    scope.position.frame = frame;
    const drawn = await source.capture(frame);
    const png = drawn.kind === 'picture' ? drawn.png : await source.picture();
    await source.page.settle(options.deadlines.capture);
    const { concat } = options.deadlines;
    await outputs.main.write(png, concat);
    await outputs.commit(concat, () => scope.enter('commit'));
    const { pixelWidth: width, pixelHeight: height } = options;
    return { outputPath: destination, frame, width, height, bytes: png.length };
  });
}

/** Checks the options of `renderStill` without starting anything. Throws an OptionsError that names every fault. */
export function checkStill(options: StillOptions): void {
  resolveStill(readOptions(options), '');
}

/** A picture has no codec: its options are checked as those of a one-frame video whose format allows any size. */
function resolveStill({ frame, ...given }: StillOptions, url: string): ResolvedOptions {
  // A still is always a screenshot, whatever mode is asked for; an invalid mode is still reported.
  const mode = rendererSchema.shape.mode.safeParse(given.mode).success ? 'screenshot' : given.mode;
  const asVideo = { ...given, lossless: true, mode, startFrame: frame, frameCount: 1 };
  try {
    return parseRendererOptions(asVideo, 'still.mkv', url);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    throw new OptionsError(error.problems.map((problem) => problem.replace(/^startFrame /, 'frame ')));
  }
}
