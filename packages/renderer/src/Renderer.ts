import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WarmBrowser } from './browser/WarmBrowser.js';
import { enterChunk } from './capture/enterChunk.js';
import type { FrameFormat } from './capture/FrameSource.js';
import { expectedFormat } from './capture/openSource.js';
import { keepSeam } from './capture/seams.js';
import { checkPlaces } from './checkPlaces.js';
import { withAddress } from './compositionAddress.js';
import { locateFfmpeg } from './ffmpeg/findFfmpeg.js';
import { stampOf } from './ffmpeg/fileStamp.js';
import { FrameEncoder } from './ffmpeg/FrameEncoder.js';
import { formatHashes, parseFrameHashes } from './ffmpeg/frameHashes.js';
import { verifyVideo } from './ffmpeg/verify.js';
import { findHardening } from './lifecycle/hardening.js';
import { JobScope } from './lifecycle/JobScope.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import {
  checkRendererOptions,
  resolveRendererOptions,
  type CheckedRange,
  type ResolvedOptions,
} from './options/options.js';
import { readOptions } from './options/readOptions.js';
import type { RendererOptions, RenderJobOptions } from './types.js';

/** Renders one range of frames of a page to one video file, with one browser and one encoder. */
export class Renderer {
  readonly #checked: CheckedRange;

  /** Throws an OptionsError that names every fault of the options. */
  constructor(options: RendererOptions) {
    this.#checked = checkRendererOptions(readOptions(options));
  }

  /**
   * Renders frames `startFrame` to `startFrame + frameCount - 1` of the page, named by its address or by the path of
   * a file, to `outputPath`, which
   * then holds the complete file, or what it held before. Settles when no process and no temporary
   * file is left: rejects with `signal.reason` itself after an abort, else with the first failure.
   */
  async render(compositionUrl: string, outputPath: string, jobOptions: RenderJobOptions = {}): Promise<void> {
    jobOptions.signal?.throwIfAborted();
    const { url, options } = withAddress(compositionUrl, true, (address) => {
      return { url: address, options: resolveRendererOptions(this.#checked, outputPath, address) };
    });
    const output = resolve(outputPath);
    checkPlaces(url, { output, frameHashes: options.frameHashes, seamFiles: options.seamFiles });
    await JobScope.run(jobOptions, options, output, (scope) => renderRange(url, output, options, scope, jobOptions));
  }
}

async function renderRange(
  url: string,
  outputPath: string,
  options: ResolvedOptions,
  scope: JobScope,
  jobOptions: RenderJobOptions,
): Promise<void> {
  const { frameCount, startFrame } = options;
  await scope.enter('launch');
  const tools = locateFfmpeg(options);
  if (options.hardening) scope.hardening = await findHardening(scope.signal);
  await using directory = await WorkDirectory.create(scope.leftover, scope.signal);
  await StagedOutput.probe([outputPath, ...(options.frameHashes ? [options.frameHashes] : [])], scope.leftover);
  await using output = new StagedOutput(outputPath, scope.leftover);
  scope.signal.throwIfAborted();

  const hashes = options.frameHashes === undefined ? undefined : directory.file('frames.framehash');
  const browser = jobOptions.warm ?? new WarmBrowser();
  try {
    const encode = (format: FrameFormat) =>
      new FrameEncoder(scope, options, { format, ffmpeg: tools.ffmpeg, output: output.path, hashes });
    // The encoder starts while the browser does, for the frames that are to be expected.
    let encoder = encode(expectedFormat(url, options));
    await using _encoder = { [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose]() };
    await scope.guard(async () => {
      const { source, before } = await enterChunk(browser, scope, options, url, jobOptions.browsers);
      if (source.format !== encoder.format) {
        await encoder[Symbol.asyncDispose]();
        encoder = encode(source.format);
      }
      if (before) await keepSeam(source, options, scope, 'entry', before);
      scope.emit({ type: 'files', worker: scope.worker, ...source.page.files });

      await scope.enter('capture');
      await source.begin();
      let last: Buffer | undefined;
      for (let rendered = 1; rendered <= frameCount; rendered++) {
        const frame = startFrame + rendered - 1;
        scope.position.frame = frame;
        await scope.step('capture');
        const drawn = await source.capture(frame);
        if (drawn.kind === 'picture') last = drawn.png;
        await scope.step('encode');
        await encoder.write(drawn);
        scope.emit({ type: 'frame', frame, worker: scope.worker, rendered, total: frameCount });
        scope.tell(() => jobOptions.onProgress?.(rendered / frameCount));
      }
      if (options.endSeam) await keepSeam(source, options, scope, 'end', last);
      // A failure that the last frame caused may be told only after its picture.
      await source.page.settle(options.deadlines.capture);
      scope.emit({ type: 'files', worker: scope.worker, ...source.page.files });
      // The last frame may still be on its way out of the browser.
      await encoder.written();
    });

    // A browser that nobody waits for has done its work: what becomes of it now is no failure.
    const entered = scope.enter('drain');
    const closed = browser.isWanted() ? undefined : browser.close();
    await entered;
    await Promise.all([encoder.finish(), closed]);
  } finally {
    // Nothing is left of a job that has failed, also of one that was not to be the browser's last.
    if (scope.signal.aborted) await browser.close();
  }

  await scope.enter('verify');
  const { verify, concat } = options.deadlines;
  const stamp = await scope.wait(stampOf(output.path), verify, 'the disk to tell of the video');
  const coding = await verifyVideo(
    output.path,
    { frames: frameCount, fps: options.fps, width: options.pixelWidth, height: options.pixelHeight },
    {
      ffprobe: tools.ffprobe,
      deadlineMs: options.deadlines.verify,
      position: { ...scope.position },
      ...scope.processOptions(),
    },
  );
  await using list =
    options.frameHashes === undefined ? undefined : new StagedOutput(options.frameHashes, scope.leftover);
  if (hashes !== undefined && list) {
    const writing = readFile(hashes, 'utf8').then((text) =>
      writeFile(list.path, formatHashes(parseFrameHashes(text), startFrame)),
    );
    await scope.wait(writing, concat, 'the disk to take the list of hashes');
  }
  for (const file of [list, output]) {
    await file?.flush(concat, { ...scope.position }, scope.signal);
  }
  if (stamp) scope.tell(() => jobOptions.onVerified?.(stamp, coding));
  await scope.enter('commit');
  scope.signal.throwIfAborted();
  StagedOutput.commitAll(list ? [list, output] : [output]);
  scope.committed();
}
