import { readFile, stat, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  EncoderError,
  GenlockError,
  StallError,
  TeardownError,
  type RenderPhase,
  type RenderPosition,
} from './errors.js';
import type { RenderEvent } from './events.js';
import { LocalExecutor } from './executors/LocalExecutor.js';
import { concatArguments, concatList } from './ffmpeg/arguments.js';
import { locateFfmpeg, type FfmpegPaths } from './ffmpeg/findFfmpeg.js';
import { verifyVideo } from './ffmpeg/verify.js';
import { atHook } from './lifecycle/abort.js';
import { processEvents } from './lifecycle/processEvents.js';
import { runCommand } from './lifecycle/runCommand.js';
import { StagedOutput } from './lifecycle/StagedOutput.js';
import { TaskGroup } from './lifecycle/TaskGroup.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { parseDistributedOptions, type ResolvedDistributedOptions } from './options.js';
import { createPlan } from './plan.js';
import { RenderJournal } from './RenderJournal.js';
import type {
  DistributedRenderOptions,
  RenderChunk,
  RenderExecutor,
  RenderJobOptions,
  RenderPlan,
  RenderReport,
} from './types.js';

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

  constructor(
    readonly plan: RenderPlan,
    readonly options: ResolvedDistributedOptions,
    readonly executor: RenderExecutor,
    readonly jobOptions: RenderJobOptions,
  ) {
    this.#group = new TaskGroup(jobOptions.signal);
    this.#journal = new RenderJournal(plan, jobOptions, (error) => this.#group.fail(error));
  }

  async finish(): Promise<RenderReport> {
    const journal = this.#journal;
    const group = this.#group;
    group.signal.addEventListener('abort', this.#onAbort, { once: true });
    try {
      journal.state('running');
      const bytes = await this.#produce(group);
      if (journal.leftovers.length > 0) throw new TeardownError(journal.leftovers);
      journal.state('succeeded');
      const report = journal.report(bytes);
      journal.record({ type: 'report', report });
      return report;
    } catch (error) {
      group.fail(error);
      journal.stopping(error, false, this.#firstPosition(error));
      journal.stopped(error, group.suppressed);
      throw error;
    } finally {
      this.#closeToAborts();
    }
  }

  /** The first to hear of an abort, whoever causes it: the stop is measured from here. */
  readonly #onAbort = (): void => {
    const reason: unknown = this.#group.signal.reason;
    this.#journal.stopping(reason, !this.#group.failed, this.#firstPosition(reason));
  };

  /** After the commit nothing can stop the render any more: it has succeeded. */
  #closeToAborts(): void {
    this.#group.signal.removeEventListener('abort', this.#onAbort);
    this.#group[Symbol.dispose]();
  }

  /** From the plan to the committed file. Everything that it acquires is released when it settles. */
  async #produce(group: TaskGroup): Promise<number> {
    const journal = this.#journal;
    await using directory = await WorkDirectory.create(this.#leftover);
    group.throwIfStopped();
    await this.#step('plan', group.signal);

    await journal.phase('capture', async () => {
      for (const chunk of this.plan.chunks) group.go((signal) => this.#renderChunk(chunk, directory, signal));
      await group.join();
    });
    journal.allRendered();
    journal.state('finishing');

    await using output = new StagedOutput(this.plan.outputPath, this.#leftover);
    try {
      const tools = locateFfmpeg(this.options);
      await journal.phase('verify', () => this.#verifyChunks(directory, tools, group.signal));
      await journal.phase('concat', () => this.#concat(directory, output.path, tools, group.signal));
      await this.#verify(output.path, this.plan.frameCount, tools, group.signal);
      const bytes = (await stat(output.path)).size;
      await journal.phase('commit', () => this.#commit(directory, output, group.signal));
      return bytes;
    } catch (error) {
      group.fail(error);
      throw error;
    }
  }

  async #renderChunk(chunk: RenderChunk, directory: WorkDirectory, signal: AbortSignal): Promise<void> {
    const { index } = chunk;
    const journal = this.#journal;
    const { frameHashes } = chunk.options;
    const options = frameHashes ? { ...chunk.options, frameHashes: directory.file(frameHashes) } : chunk.options;
    journal.worker(index, 'starting');
    try {
      await this.executor.render(this.plan.compositionUrl, directory.file(chunk.fileName), options, {
        signal,
        worker: index,
        ...(this.jobOptions.hooks ? { hooks: this.jobOptions.hooks } : {}),
        onProgress: (share) => journal.progress(index, share),
        onEvent: (event) => this.#onWorkerEvent(index, event),
      });
    } catch (error) {
      journal.worker(index, signal.aborted && error === signal.reason && !isOwn(error, index) ? 'stopped' : 'failed');
      throw error;
    }
    journal.progress(index, 1);
    journal.worker(index, 'finished');
  }

  /** A worker tells of its failure before it has cleaned up: the others stop in the same tick. */
  #onWorkerEvent(index: number, event: RenderEvent): void {
    const own = 'worker' in event ? { ...event, worker: index } : event;
    if (own.type === 'worker-failed') this.#group.fail(own.error);
    this.#journal.record(own);
  }

  async #verifyChunks(directory: WorkDirectory, tools: FfmpegPaths, signal: AbortSignal): Promise<void> {
    await this.#step('verify', signal);
    const verified = this.plan.chunks.map((chunk) =>
      this.#verify(directory.file(chunk.fileName), chunk.frameCount, tools, signal, chunk.index),
    );
    await settleAll(verified);
  }

  async #verify(path: string, frames: number, tools: FfmpegPaths, signal: AbortSignal, worker?: number): Promise<void> {
    const { fps, width, height } = this.plan;
    await verifyVideo(
      path,
      { frames, fps, width, height },
      {
        ffprobe: tools.ffprobe,
        signal,
        deadlineMs: this.options.deadlines.concat,
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
    if (end.code !== 0) throw new EncoderError('joining the chunks failed', end, { phase: 'concat' });
  }

  async #commit(directory: WorkDirectory, output: StagedOutput, signal: AbortSignal): Promise<void> {
    const { frameHashes } = this.options;
    await using hashes = frameHashes === undefined ? undefined : new StagedOutput(frameHashes, this.#leftover);
    if (hashes) {
      const parts = this.plan.chunks.map(({ options }) => readFile(directory.file(options.frameHashes!), 'utf8'));
      await writeFile(hashes.path, (await Promise.all(parts)).join(''));
      await hashes.flush();
    }
    await output.flush();
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

  #firstPosition(error: unknown): RenderPosition {
    return error instanceof GenlockError ? error.position : {};
  }
}

function isOwn(error: unknown, worker: number): boolean {
  return error instanceof GenlockError && error.position.worker === worker;
}

/** As `Promise.all`, but rejects only when every promise has settled. */
async function settleAll(promises: Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}
