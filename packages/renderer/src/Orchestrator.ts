import { readFile, stat, writeFile } from 'node:fs/promises';
import { SeamError, StallError, TeardownError, type RenderPhase, type RenderPosition } from './errors.js';
import { ChunkFiles } from './ChunkFiles.js';
import { LocalExecutor } from './executors/LocalExecutor.js';
import { abortable, atHook, withDeadline } from './lifecycle/abort.js';
import { freeDiskCheck, watchTime } from './lifecycle/limits.js';
import { onDisk } from './lifecycle/onDisk.js';
import { processEvents } from './lifecycle/processEvents.js';
import { RepeatedCheck } from './lifecycle/RepeatedCheck.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { TaskGroup } from './lifecycle/TaskGroup.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { KeptChunks } from './KeptChunks.js';
import { parseDistributedOptions, type ResolvedDistributedOptions } from './options.js';
import { checkPlaces } from './checkPlaces.js';
import { createPlan } from './plan.js';
import { readOptions } from './readOptions.js';
import { RenderJournal } from './RenderJournal.js';
import { RenderWorkers } from './RenderWorkers.js';
import type { DistributedRenderOptions, RenderExecutor, RenderJobOptions, RenderPlan, RenderReport } from './types.js';
import { isA, wordsOf } from './unknowns.js';

/** Renders a page to a video with several workers that start, and stop, together. */
export class RenderOrchestrator {
  /**
   * What a render would do. Pure and synchronous: opens no address and touches no file. A path is made an address.
   * Throws an OptionsError that names every fault of the options.
   */
  static plan(compositionUrl: string, outputPath: string, options: DistributedRenderOptions): RenderPlan {
    return createPlan(compositionUrl, outputPath, options);
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
    const plan = createPlan(compositionUrl, outputPath, read, read.executor === undefined);
    const { executor = new LocalExecutor(), ...data } = read;
    const resolved = parseDistributedOptions(data, outputPath);
    const { frameHashes, partialOutput } = resolved;
    checkPlaces(plan.compositionUrl, { output: plan.outputPath, frameHashes, partialOutput });
    const run = new RenderRun(plan, resolved, executor, jobOptions);
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
    await using directory = await WorkDirectory.create(this.#leftover, group.signal);
    group.throwIfStopped();
    const { plan, options, executor, jobOptions } = this;
    const places = [plan.outputPath, options.frameHashes, options.partialOutput].filter((path) => path !== undefined);
    await StagedOutput.probe(places, this.#leftover);
    await this.#step('plan', group.signal);

    await using kept = options.keepChunks
      ? new KeptChunks({ plan, options, executor, directory, signal: group.signal, warn: this.#warn })
      : undefined;
    const workers = new RenderWorkers({
      ...{ plan, options, executor, jobOptions },
      ...{ group, journal, directory, kept, fail: this.#fail },
    });
    try {
      await journal.phase('capture', () => workers.render());
      journal.allRendered();
      journal.state('finishing');
      const bytes = await this.#finish(new ChunkFiles(plan, options, directory, this.#processEvents()), workers, group);
      await kept?.tidy();
      return { bytes, seams: workers.seams.report() };
    } catch (error) {
      this.#fail(error);
      if (!isA(error, SeamError)) await this.#deliverPrefix(workers, directory);
      throw error;
    }
  }

  /** From the rendered chunks to the committed file. Returns its size in bytes. */
  async #finish(files: ChunkFiles, workers: RenderWorkers, group: TaskGroup): Promise<number> {
    const journal = this.#journal;
    const { chunks, outputPath } = this.plan;
    await using output = new StagedOutput(outputPath, this.#leftover);
    try {
      await journal.phase('verify', async () => {
        await this.#step('verify', group.signal);
        await files.verifyAll(workers.verified, group);
      });
      await journal.phase('concat', async () => {
        await this.#step('concat', group.signal);
        await files.join(chunks, output.path, group.signal);
      });
      const bytes = (await this.#disk(stat(output.path), group.signal)).size;
      await journal.phase('commit', () => this.#commit(files.directory, output, group.signal));
      return bytes;
    } catch (error) {
      // Before the output is put away: the failure is told, and stops everything, in its own tick.
      this.#fail(error);
      throw error;
    }
  }

  /**
   * What a stopped render has of its video from the start, where `partialOutput` says, if anything.
   * It comes after the stop, so that it fails by itself: a warning, never the render's error.
   */
  async #deliverPrefix({ prefix: chunks, verified }: RenderWorkers, directory: WorkDirectory): Promise<void> {
    const { partialOutput } = this.options;
    if (partialOutput === undefined || chunks.length === 0) return;
    const journal = this.#journal;
    try {
      const files = new ChunkFiles(this.plan, this.options, directory, this.#processEvents());
      await using output = new StagedOutput(partialOutput, this.#leftover);
      const { signal } = new AbortController();
      const frames = chunks.reduce((sum, { frameCount }) => sum + frameCount, 0);
      await files.verifySome(chunks, verified, signal);
      await files.join(chunks, output.path, signal);
      await output.flush(this.options.deadlines.concat, { phase: 'commit' });
      output.commit();
      journal.record({ type: 'partial', path: output.destination, frames });
    } catch (error) {
      this.#warn('the finished part could not be saved', error);
    }
  }

  /** Something beside the render did not work. */
  readonly #warn = (what: string, error: unknown): void => {
    this.#journal.record({ type: 'warning', message: `${what}: ${wordsOf(error)}` });
  };

  /** Makes sure that there is room on the disk, and that it stays so for as long as the result lives. */
  async #watchDisk({ signal }: TaskGroup): Promise<RepeatedCheck | undefined> {
    const { minFreeDiskMB } = this.options.limits;
    if (minFreeDiskMB === undefined) return undefined;
    const check = freeDiskCheck(minFreeDiskMB, this.plan.outputPath);
    const { launch } = this.options.deadlines;
    const late = () => new StallError('the disk to say what is free', launch, { phase: 'plan' });
    await withDeadline(abortable(check(), signal), launch, late);
    signal.throwIfAborted();
    return new RepeatedCheck(check, (error) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  async #commit(directory: WorkDirectory, output: StagedOutput, signal: AbortSignal): Promise<void> {
    const { frameHashes } = this.options;
    await using hashes = frameHashes === undefined ? undefined : new StagedOutput(frameHashes, this.#leftover);
    if (hashes) {
      const parts = this.plan.chunks.map(({ options }) => readFile(directory.file(options.frameHashes!), 'utf8'));
      const writing = Promise.all(parts).then((lists) => writeFile(hashes.path, lists.join('')));
      await this.#disk(writing, signal);
    }
    for (const file of [hashes, output]) await file?.flush(this.options.deadlines.concat, { phase: 'commit' }, signal);
    await this.#step('commit', signal);
    signal.throwIfAborted();
    StagedOutput.commitAll(hashes ? [hashes, output] : [output]);
    this.#closeToAborts();
  }

  /** Waits for what the disk does. */
  async #disk<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const deadlineMs = this.options.deadlines.concat;
    return onDisk(work, { waitingFor: 'the disk', deadlineMs, position: { phase: 'commit' }, signal });
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
