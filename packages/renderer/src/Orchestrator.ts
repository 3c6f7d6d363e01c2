import { readFile, stat, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { EncoderError, StallError, TeardownError, type RenderPhase, type RenderPosition } from './errors.js';
import { LocalExecutor } from './executors/LocalExecutor.js';
import { concatArguments, concatList } from './ffmpeg/arguments.js';
import { locateFfmpeg, type FfmpegPaths } from './ffmpeg/findFfmpeg.js';
import { verifyVideo } from './ffmpeg/verify.js';
import { ranOutOfDisk } from './ffmpeg/ranOutOfDisk.js';
import { abortable, atHook, withDeadline } from './lifecycle/abort.js';
import { checkFreeDisk, watchTime } from './lifecycle/limits.js';
import { processEvents } from './lifecycle/processEvents.js';
import { RepeatedCheck } from './lifecycle/RepeatedCheck.js';
import { runCommand } from './lifecycle/runCommand.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { TaskGroup } from './lifecycle/TaskGroup.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { parseDistributedOptions, type ResolvedDistributedOptions } from './options.js';
import { createPlan } from './plan.js';
import { RenderJournal } from './RenderJournal.js';
import { RenderWorkers } from './RenderWorkers.js';
import type { DistributedRenderOptions, RenderExecutor, RenderJobOptions, RenderPlan, RenderReport } from './types.js';

/** Renders a page to a video with several workers that start, and stop, together. */
export class RenderOrchestrator {
  /**
   * What a render would do. Pure and synchronous: opens no address and touches no file.
   * Throws an OptionsError that names every fault of the options.
   */
  static plan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
    return createPlan(compositionUrl, outputPath, options);
  }

  /**
   * Renders the page to `outputPath`: chunks over the workers, then joined, verified and put in
   * place by one rename. When one worker fails or `jobOptions.signal` aborts, every other worker
   * stops at once; the promise settles when nothing of the render is left, and rejects with the
   * first worker's error itself, or with `signal.reason` itself. The destination then holds what it
   * held before.
   */
  static async render(
    compositionUrl: string,
    outputPath: string,
    options: DistributedRenderOptions,
    jobOptions: RenderJobOptions = {},
  ): Promise<RenderReport> {
    jobOptions.signal?.throwIfAborted();
    const plan = createPlan(compositionUrl, outputPath, options);
    const { executor = new LocalExecutor(), ...data } = options;
    const run = new RenderRun(plan, parseDistributedOptions(data, outputPath), executor, jobOptions);
    return run.finish();
  }
}

/** One render in progress. */
class RenderRun {
  readonly #group: TaskGroup;
  readonly #journal: RenderJournal;
  /** Where the failure happened that is about to stop the group, as far as the error does not say it. */
  #first: RenderPosition = {};
  #endTimeWatch = (): void => {};

  constructor(
    readonly plan: RenderPlan,
    readonly options: ResolvedDistributedOptions,
    readonly executor: RenderExecutor,
    readonly jobOptions: RenderJobOptions,
  ) {
    this.#group = new TaskGroup(jobOptions.signal);
    this.#journal = new RenderJournal(plan, jobOptions, (error) => this.#fail(error));
  }

  async finish(): Promise<RenderReport> {
    const journal = this.#journal;
    const group = this.#group;
    group.signal.addEventListener('abort', this.#onAbort, { once: true });
    const { timeoutMs } = this.options.limits;
    this.#endTimeWatch = watchTime(
      timeoutMs,
      () => journal.whereabouts(),
      (error) => this.#fail(error),
    );
    try {
      journal.state('running');
      const { bytes, seams } = await this.#produce(group);
      if (journal.leftovers.length > 0) throw new TeardownError(journal.leftovers);
      journal.state('succeeded');
      const report = journal.report(bytes, seams);
      journal.record({ type: 'report', report });
      return report;
    } catch (error) {
      this.#fail(error);
      journal.stopping(error, false, this.#first);
      journal.stopped(error, group.suppressed);
      throw error;
    } finally {
      this.#closeToAborts();
    }
  }

  /** The first to hear of an abort, whoever causes it: the stop is measured from here. */
  readonly #onAbort = (): void => {
    const reason: unknown = this.#group.signal.reason;
    this.#journal.stopping(reason, !this.#group.failed, this.#first);
  };

  /** Makes this error the render's, unless it is stopping already; stops all workers in this tick. */
  readonly #fail = (error: unknown, first = this.#journal.position()): void => {
    if (!this.#group.signal.aborted) this.#first = first;
    this.#group.fail(error);
  };

  /** After the commit nothing can stop the render any more: it has succeeded. */
  #closeToAborts(): void {
    this.#endTimeWatch();
    this.#group.signal.removeEventListener('abort', this.#onAbort);
    this.#group[Symbol.dispose]();
  }

  /** From the plan to the committed file. Everything that it acquires is released when it settles. */
  async #produce(group: TaskGroup): Promise<Pick<RenderReport, 'bytes' | 'seams'>> {
    const journal = this.#journal;
    await using _disk = await this.#watchDisk(group);
    await using directory = await WorkDirectory.create(this.#leftover);
    group.throwIfStopped();
    await this.#step('plan', group.signal);

    const { plan, options, executor, jobOptions } = this;
    const workers = new RenderWorkers({
      ...{ plan, options, executor, jobOptions },
      ...{ group, journal, directory, fail: this.#fail },
    });
    await journal.phase('capture', () => workers.render(this.plan.chunks));
    journal.allRendered();
    journal.state('finishing');

    await using output = new StagedOutput(this.plan.outputPath, this.#leftover);
    try {
      const tools = locateFfmpeg(this.options);
      await journal.phase('verify', () => this.#verifyChunks(directory, tools, group));
      await journal.phase('concat', () => this.#concat(directory, output.path, tools, group.signal));
      await this.#verify(output.path, this.plan.frameCount, tools, group.signal);
      const bytes = (await stat(output.path)).size;
      await journal.phase('commit', () => this.#commit(directory, output, group.signal));
      return { bytes, seams: workers.audit.report() };
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Makes sure that there is room on the disk, and that it stays so for as long as the result lives. */
  async #watchDisk({ signal }: TaskGroup): Promise<RepeatedCheck | undefined> {
    const { minFreeDiskMB } = this.options.limits;
    if (minFreeDiskMB === undefined) return undefined;
    const check = () => checkFreeDisk(minFreeDiskMB, this.plan.outputPath);
    const { launch } = this.options.deadlines;
    const late = () => new StallError('the disk to say what is free', launch, { phase: 'plan' });
    await withDeadline(abortable(check(), signal), launch, late);
    signal.throwIfAborted();
    return new RepeatedCheck(check, (error) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  async #verifyChunks(directory: WorkDirectory, tools: FfmpegPaths, group: TaskGroup): Promise<void> {
    await this.#step('verify', group.signal);
    for (const { index, fileName, frameCount } of this.plan.chunks) {
      group.go((signal) => this.#verify(directory.file(fileName), frameCount, tools, signal, index));
    }
    await group.join();
  }

  async #verify(path: string, frames: number, tools: FfmpegPaths, signal: AbortSignal, worker?: number): Promise<void> {
    const { fps, width, height } = this.plan;
    await verifyVideo(
      path,
      { frames, fps, width, height },
      {
        ffprobe: tools.ffprobe,
        signal,
        deadlineMs: this.options.deadlines.verify,
        position: { phase: 'verify', ...(worker === undefined ? {} : { worker }) },
        ...this.#processEvents(),
      },
    );
  }

  async #concat(directory: WorkDirectory, output: string, tools: FfmpegPaths, signal: AbortSignal): Promise<void> {
    await this.#step('concat', signal);
    const list = directory.file('chunks.ffconcat');
    const chunks = this.plan.chunks.map(({ fileName, frameCount }) => ({ path: directory.file(fileName), frameCount }));
    await writeFile(list, concatList(chunks, this.plan.fps));
    const deadlineMs = this.options.deadlines.concat;
    const extension = extname(this.plan.outputPath).slice(1).toLowerCase();
    const end = await runCommand(tools.ffmpeg, concatArguments(list, output, extension), {
      role: 'concat',
      signal,
      deadlineMs,
      late: () => new StallError('ffmpeg to join the chunks', deadlineMs, { phase: 'concat' }),
      ...this.#processEvents(),
    });
    if (end.code !== 0 || ranOutOfDisk(end))
      throw new EncoderError('joining the chunks failed', end, { phase: 'concat' });
  }

  async #commit(directory: WorkDirectory, output: StagedOutput, signal: AbortSignal): Promise<void> {
    const { frameHashes } = this.options;
    await using hashes = frameHashes === undefined ? undefined : new StagedOutput(frameHashes, this.#leftover);
    if (hashes) {
      const parts = this.plan.chunks.map(({ options }) => readFile(directory.file(options.frameHashes!), 'utf8'));
      await writeFile(hashes.path, (await Promise.all(parts)).join(''));
    }
    for (const file of [hashes, output]) await file?.flush(this.options.deadlines.concat, { phase: 'commit' });
    await this.#step('commit', signal);
    signal.throwIfAborted();
    hashes?.commit();
    output.commit();
    this.#closeToAborts();
  }

  /** Called before each step, so that a test may hold the render or fail it exactly there. */
  async #step(phase: RenderPhase, signal: AbortSignal): Promise<void> {
    const { hooks } = this.jobOptions;
    if (hooks) await atHook(hooks, { phase }, signal, (error) => this.#group.fail(error));
  }

  #processEvents() {
    return processEvents((event) => this.#journal.record(event), this.#leftover);
  }

  readonly #leftover = (what: string): void => this.#journal.leftover(what);
}
