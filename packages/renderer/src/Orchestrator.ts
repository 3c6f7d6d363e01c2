import { SeamError } from './errors.js';
import { LocalExecutor } from './executors/LocalExecutor.js';
import { KeptChunks } from './orchestration/KeptChunks.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from './options/options.js';
import { readOptions } from './options/readOptions.js';
import { planRender } from './orchestration/planRender.js';
import { RenderWorkers } from './orchestration/RenderWorkers.js';
import { savePrefix } from './orchestration/savePrefix.js';
import { StoppableRun } from './orchestration/StoppableRun.js';
import { chooseOutputs } from './outputs/chooseOutput.js';
import type { FrameOutput } from './outputs/Output.js';
import type { OutputSet } from './outputs/OutputSet.js';
import type { DistributedRenderOptions, RenderExecutor, RenderJobOptions, RenderPlan, RenderReport } from './types.js';
import { isA } from './unknowns.js';

/** Renders a page to a video with several workers that start, and stop, together. */
export class RenderOrchestrator {
  /**
   * Plans a render without starting it. Pure and synchronous: opens no address and touches no file. A path is turned
   * into a file: address. Throws an OptionsError that names every fault of the options.
   */
  static plan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
    return planRender(compositionUrl, outputPath, readOptions(options)).plan;
  }

  /**
   * Renders the page at `compositionUrl` (an http:, https:, file: or data: address, or the path of a file, which is
   * opened as a file: address) to `outputPath`: the workers render its chunks, which are then joined, verified and put
   * in place by one rename. When one worker fails or `jobOptions.signal` aborts, every other worker
   * stops at once. The promise settles once nothing of the render is left: it rejects with the
   * first worker's error itself, or with `signal.reason` itself. The destination is then unchanged.
   * If an option is wrong, or a file cannot be placed where it should go, the render is refused
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
    // The caller's own executor may run on a machine with other files: paths are looked up only without one.
    const { plan, resolved } = planRender(compositionUrl, outputPath, read, read.executor === undefined);
    const { executor = new LocalExecutor() } = read;
    const outputs = chooseOutputs(plan.outputPath, resolved);
    outputs.check(plan.compositionUrl, { partialOutput: resolved.partialOutput });
    return StoppableRun.start(
      { plan, options: resolved, jobOptions },
      (run) => new VideoRender(run, executor, outputs).make(),
      ({ bytes, seams }, { journal }) => {
        const report = journal.report(bytes, seams);
        journal.record({ type: 'report', report });
        return report;
      },
    );
  }
}

/** One render in progress: renders the chunks, then makes the video from them. */
class VideoRender {
  constructor(
    readonly run: StoppableRun<ResolvedDistributedOptions>,
    readonly executor: RenderExecutor,
    readonly outputs: OutputSet<FrameOutput>,
  ) {}

  /** Goes from the plan to the committed file. Everything acquired on the way is released when the promise settles. */
  async make(): Promise<Pick<RenderReport, 'bytes' | 'seams'>> {
    const { run, executor, outputs } = this;
    const { plan, options, journal, signal, warn } = run;
    await using directory = await WorkDirectory.create(run.leftover, signal);
    run.group.throwIfStopped();
    await outputs.probe(run.leftover, options.partialOutput);
    await run.step('plan');

    await using kept = options.keepChunks
      ? new KeptChunks({ plan, options, executor, directory, signal, warn })
      : undefined;
    const workers = new RenderWorkers({ run, executor, directory, kept });
    try {
      await journal.phase('capture', () => workers.render());
      journal.allRendered();
      journal.state('finishing');
      const bytes = await this.#deliver(workers, directory);
      await kept?.tidy();
      return { bytes, seams: workers.seams.report() };
    } catch (error) {
      run.fail(error);
      if (!isA(error, SeamError)) await savePrefix(run, workers, directory);
      throw error;
    }
  }

  /** Goes from the rendered chunks to the committed files. Returns the size of the video in bytes. */
  async #deliver(workers: RenderWorkers, directory: WorkDirectory): Promise<number> {
    const { run, outputs } = this;
    const { plan, options, journal, group } = run;
    const { main, beside } = outputs;
    outputs.findTools();
    await using _outputs = outputs.stage(run.outputJob(), directory);
    return await run.failFast(async () => {
      await journal.phase('verify', async () => {
        await run.step('verify');
        const rendered = { chunks: plan.chunks, verified: workers.verified };
        await main.verifyChunks(rendered, { group, workers: plan.concurrency });
      });
      await journal.phase('concat', async () => {
        await run.step('concat');
        await main.join(plan.chunks);
      });
      const bytes = await main.bytes();
      await journal.phase('commit', async () => {
        for (const output of beside) await output.join(plan.chunks);
        await outputs.commit(options.deadlines.concat, () => run.step('commit'));
      });
      return bytes;
    });
  }
}
