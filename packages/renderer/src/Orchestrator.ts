import { readFile, stat, writeFile } from 'node:fs/promises';
import { checkPlaces } from './outputs/checkPlaces.js';
import { ChunkFiles } from './orchestration/ChunkFiles.js';
import { SeamError } from './errors.js';
import { LocalExecutor } from './executors/LocalExecutor.js';
import { KeptChunks } from './orchestration/KeptChunks.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from './options/options.js';
import { planRender } from './options/plan.js';
import { readOptions } from './options/readOptions.js';
import { RenderWorkers } from './orchestration/RenderWorkers.js';
import { StoppableRun } from './orchestration/StoppableRun.js';
import type { DistributedRenderOptions, RenderExecutor, RenderJobOptions, RenderPlan, RenderReport } from './types.js';
import { isA } from './unknowns.js';

/** Renders a page to a video with several workers that start, and stop, together. */
export class RenderOrchestrator {
  /**
   * What a render would do. Pure and synchronous: opens no address and touches no file. A path is made an address.
   * Throws an OptionsError that names every fault of the options.
   */
  static plan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
    return planRender(compositionUrl, outputPath, readOptions(options)).plan;
  }

  /**
   * Renders the page at `compositionUrl` (an http:, https:, file: or data: address, or the path of a file, which is
   * opened as a file: address) to `outputPath`: chunks over the workers, then joined, verified and put in
   * place by one rename. When one worker fails or `jobOptions.signal` aborts, every other worker
   * stops at once; the promise settles when nothing of the render is left, and rejects with the
   * first worker's error itself, or with `signal.reason` itself. The destination then holds what it
   * held before. What cannot be done, because an option is wrong or a file has no place, is refused
   * with an OptionsError before anything starts.
   */
  static async render(
    compositionUrl: string,
    outputPath: string,
    options: DistributedRenderOptions,
    jobOptions: RenderJobOptions = {},
  ): Promise<RenderReport> {
    jobOptions.signal?.throwIfAborted();
    const read = readOptions(options);
    // An executor of the caller's may run where there are other files.
    const { plan, resolved } = planRender(compositionUrl, outputPath, read, read.executor === undefined);
    const { executor = new LocalExecutor() } = read;
    const { frameHashes, partialOutput } = resolved;
    checkPlaces(plan.compositionUrl, { output: plan.outputPath, frameHashes, partialOutput });
    return StoppableRun.start(
      { plan, options: resolved, jobOptions },
      (run) => new VideoRender(run, executor).make(),
      ({ bytes, seams }, { journal }) => {
        const report = journal.report(bytes, seams);
        journal.record({ type: 'report', report });
        return report;
      },
    );
  }
}

/** What one render does between its start and its end: chunks, then the video of them. */
class VideoRender {
  constructor(
    readonly run: StoppableRun<ResolvedDistributedOptions>,
    readonly executor: RenderExecutor,
  ) {}

  /** From the plan to the committed file. Everything that it acquires is released when it settles. */
  async make(): Promise<Pick<RenderReport, 'bytes' | 'seams'>> {
    const { run, executor } = this;
    const { plan, options, journal, signal, warn } = run;
    await using directory = await WorkDirectory.create(run.leftover, signal);
    run.group.throwIfStopped();
    const places = [plan.outputPath, options.frameHashes, options.partialOutput].filter((path) => path !== undefined);
    await StagedOutput.probe(places, run.leftover);
    await run.step('plan');

    await using kept = options.keepChunks
      ? new KeptChunks({ plan, options, executor, directory, signal, warn })
      : undefined;
    const workers = new RenderWorkers({ run, executor, directory, kept });
    try {
      await journal.phase('capture', () => workers.render());
      journal.allRendered();
      journal.state('finishing');
      const bytes = await this.#joinChunks(workers, directory);
      await kept?.tidy();
      return { bytes, seams: workers.seams.report() };
    } catch (error) {
      run.fail(error);
      if (!isA(error, SeamError)) await this.#savePrefix(workers, directory);
      throw error;
    }
  }

  /** From the rendered chunks to the committed file. Returns its size in bytes. */
  async #joinChunks(workers: RenderWorkers, directory: WorkDirectory): Promise<number> {
    const { run } = this;
    const { plan, options, journal, signal } = run;
    const files = new ChunkFiles(plan, options, directory, run.processEvents());
    await using output = new StagedOutput(plan.outputPath, run.leftover);
    return await run.failingAtOnce(async () => {
      await journal.phase('verify', async () => {
        await run.step('verify');
        await files.verifyAll(workers.verified, run.group);
      });
      await journal.phase('concat', async () => {
        await run.step('concat');
        await files.join(plan.chunks, output.path, signal);
      });
      const bytes = (await run.onDisk(stat(output.path))).size;
      await journal.phase('commit', () => this.#commit(directory, output));
      return bytes;
    });
  }

  /** Puts the video, and the list of its frames' hashes where one is asked for, in their places as one. */
  async #commit(directory: WorkDirectory, video: StagedOutput): Promise<void> {
    const { run } = this;
    const { frameHashes, deadlines } = run.options;
    await using hashes = frameHashes === undefined ? undefined : new StagedOutput(frameHashes, run.leftover);
    if (hashes) {
      const parts = run.plan.chunks.map(({ options }) => readFile(directory.file(options.frameHashes!), 'utf8'));
      await run.onDisk(Promise.all(parts).then((lists) => writeFile(hashes.path, lists.join(''))));
    }
    const files = hashes ? [hashes, video] : [video];
    for (const file of files) await file.flush(deadlines.concat, { phase: 'commit' }, run.signal);
    await run.step('commit');
    run.signal.throwIfAborted();
    StagedOutput.commitAll(files);
    run.closeToAborts();
  }

  /**
   * Saves what a stopped render has of its video from the start, where `partialOutput` says, if anything.
   * It comes after the stop, so that it fails by itself: a warning, never the render's error.
   */
  async #savePrefix({ prefix: chunks, verified }: RenderWorkers, directory: WorkDirectory): Promise<void> {
    const { run } = this;
    const { partialOutput, deadlines } = run.options;
    if (partialOutput === undefined || chunks.length === 0) return;
    try {
      const files = new ChunkFiles(run.plan, run.options, directory, run.processEvents());
      await using output = new StagedOutput(partialOutput, run.leftover);
      const { signal } = new AbortController();
      const frames = chunks.reduce((sum, { frameCount }) => sum + frameCount, 0);
      await files.verifySome(chunks, verified, signal);
      await files.join(chunks, output.path, signal);
      await output.flush(deadlines.concat, { phase: 'commit' });
      output.commit();
      run.journal.record({ type: 'partial', path: output.destination, frames });
    } catch (error) {
      run.warn('the finished part could not be saved', error);
    }
  }
}
