import { resolve } from 'node:path';
import { seekToStart } from './capture/seekToStart.js';
import { expectedFormat } from './capture/openSource.js';
import { recordSeam } from './capture/seams.js';
import { WorkerPage } from './capture/WorkerPage.js';
import { withAddress } from './composition/compositionAddress.js';
import type { RenderEvent } from './events.js';
import type { ChunkJob } from './executors/ChunkJob.js';
import { findHardening } from './lifecycle/hardening.js';
import { JobScope } from './lifecycle/JobScope.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import {
  checkRendererOptions,
  resolveRendererOptions,
  type CheckedRange,
  type ResolvedOptions,
} from './options/options.js';
import { readOptions } from './options/readOptions.js';
import { chooseOutputs } from './outputs/chooseOutput.js';
import type { FrameOutput } from './outputs/Output.js';
import type { OutputSet } from './outputs/OutputSet.js';
import type { ChunkResult, RendererOptions, RenderJobOptions } from './types.js';

/** Renders one range of frames of a page to one video file, with one browser and one encoder. */
export class Renderer {
  readonly #checked: CheckedRange;

  /** Throws an OptionsError that names every fault of the options. */
  constructor(options: RendererOptions) {
    this.#checked = checkRendererOptions(readOptions(options));
  }

  /**
   * Renders frames `startFrame` to `startFrame + frameCount - 1` of the page, given by its address or by the path of
   * a file, to `outputPath`. Afterwards `outputPath` holds the complete file or is unchanged. The promise settles once
   * no process and no temporary file is left: it resolves with what is known about the file, and rejects with
   * `signal.reason` itself after an abort, else with the first failure.
   */
  async render(
    compositionUrl: string,
    outputPath: string,
    jobOptions: RenderJobOptions = {},
  ): Promise<ChunkResult | void> {
    jobOptions.signal?.throwIfAborted();
    const { url, options } = withAddress(compositionUrl, true, (address) => {
      return { url: address, options: resolveRendererOptions(this.#checked, outputPath, address) };
    });
    const output = resolve(outputPath);
    const outputs = chooseOutputs(output, options);
    outputs.check(url, { seamFiles: options.seamFiles });
    const job: ChunkJob = jobOptions;
    const result: ChunkResult = {};
    const onEvent = (event: RenderEvent) => {
      collectResult(event, result);
      return job.onEvent?.(event);
    };
    const scopeJob = { ...job, onEvent, ...(job.workerPage ? { keeper: job.workerPage } : {}) };
    await JobScope.run(scopeJob, options, output, async (scope) => {
      Object.assign(result, await renderRange(url, outputs, options, scope, job));
    });
    return result;
  }
}

/** Adds what an event says about the chunk to its result. */
function collectResult(event: RenderEvent, result: ChunkResult): void {
  if (event.type === 'files') result.files = { urls: event.urls, repeatable: event.repeatable };
  if (event.type === 'seam') {
    const { side, frame, hash, jumped, drawn, exact } = event;
    result.seams = {
      ...result.seams,
      [side]: { frame, hash, jumped, exact, ...(drawn === undefined ? {} : { drawn }) },
    };
  }
  if (event.type === 'capture') {
    const { type: _type, worker: _worker, ...way } = event;
    result.capture = way;
  }
}

async function renderRange(
  url: string,
  outputs: OutputSet<FrameOutput>,
  options: ResolvedOptions,
  scope: JobScope,
  job: ChunkJob,
): Promise<Pick<ChunkResult, 'frames' | 'coding' | 'stamp'>> {
  const { frameCount, startFrame } = options;
  const { main, beside } = outputs;
  await scope.enter('launch');
  outputs.findTools();
  if (options.hardening) scope.hardening = await findHardening(scope.signal);
  await using directory = await WorkDirectory.create(scope.leftover, scope.signal);
  await outputs.probe(scope.leftover);
  await using _outputs = outputs.stage(scope, directory);
  scope.signal.throwIfAborted();

  const workerPage = job.workerPage ?? new WorkerPage();
  try {
    // The encoder starts together with the browser, for the format in which frames will most likely come.
    let encoder = main.encode(scope, expectedFormat(url, options));
    await using _encoder = { [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose]() };
    await scope.guard(async () => {
      const { source, previousPicture } = await seekToStart(workerPage, scope, options, url, job.browsers);
      if (source.format !== encoder.format) {
        await encoder[Symbol.asyncDispose]();
        encoder = main.encode(scope, source.format);
      }
      if (previousPicture) await recordSeam(source, options, scope, 'entry', previousPicture);
      scope.emit({ type: 'files', worker: scope.worker, ...source.page.files });

      await scope.enter('capture');
      await source.begin();
      let lastPicture: Buffer | undefined;
      for (let rendered = 1; rendered <= frameCount; rendered++) {
        const frame = startFrame + rendered - 1;
        scope.position.frame = frame;
        await scope.step('capture');
        const captured = await source.capture(frame);
        if (captured.kind === 'picture') lastPicture = captured.png;
        await scope.step('encode');
        await encoder.write(captured);
        scope.emit({ type: 'frame', frame, worker: scope.worker, rendered, total: frameCount });
        scope.callListener(() => job.onProgress?.(rendered / frameCount));
      }
      if (options.endSeam) await recordSeam(source, options, scope, 'end', lastPicture);
      // The browser may report a failure that the last frame caused only after it has drawn the frame.
      await source.page.settle(options.deadlines.capture);
      scope.emit({ type: 'files', worker: scope.worker, ...source.page.files });
      // The bytes of the last frame may still be on their way from the browser.
      await encoder.written();
    });

    // If no other chunk needs the page, its work is done: a browser that fails from here on fails nothing.
    const entered = scope.enter('drain');
    const closed = workerPage.isWanted() ? undefined : workerPage.close();
    await entered;
    await Promise.all([encoder.finish(), closed]);
  } finally {
    // A failed job leaves nothing behind, even if more jobs were to use the page.
    if (scope.signal.aborted) await workerPage.close();
  }

  await scope.enter('verify');
  const verified = await main.verify();
  for (const output of beside) await output.finish();
  await outputs.commit(options.deadlines.concat, () => scope.enter('commit'));
  return { frames: frameCount, ...verified };
}
