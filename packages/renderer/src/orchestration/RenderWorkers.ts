import { WorkerPage } from '../capture/WorkerPage.js';
import { type RenderPosition } from '../errors.js';
import { processWasKilled } from '../errorRecord.js';
import type { RenderEvent } from '../events.js';
import type { ChunkJob } from '../executors/ChunkJob.js';
import { readChunkResult, type ChunkResult } from '../executors/ChunkResult.js';
import { isEcho } from '../lifecycle/abort.js';
import { SIDE_FILES } from '../options/plan.js';
import type { VerifiedFile } from '../outputs/Output.js';
import type { KeptChunks } from './KeptChunks.js';
import { SeamRepair } from './SeamRepair.js';
import type { WorkerContext } from './WorkerContext.js';
import type { RenderChunk, RendererOptions } from '../types.js';

/** The workers of one render. Each takes the next chunk when it is free, and all stop together. */
export class RenderWorkers {
  readonly seams: SeamRepair;
  /** Chunks that were verified as they were rendered. */
  readonly verified = new Map<RenderChunk, VerifiedFile>();
  readonly #context: WorkerContext;
  #queue: RenderChunk[] = [];
  /** Finished chunks, with the worker that rendered each; undefined for one reused from an earlier render. */
  readonly #done = new Map<RenderChunk, number | undefined>();
  /** Finished chunks that are in the store or being put there. */
  readonly #stored = new Set<RenderChunk>();

  constructor(context: WorkerContext) {
    this.#context = context;
    this.seams = new SeamRepair(context);
  }

  /** Renders every chunk of the plan, in order. Settles when every worker has. */
  async render(): Promise<void> {
    const { run, kept } = this.#context;
    const { plan, group, options } = run;
    try {
      if (kept) await this.#reuse(kept);
      this.#queue = plan.chunks.filter((chunk) => !this.#done.has(chunk));
      while (this.#queue.length > 0) {
        const workers = Math.min(this.seams.workers, this.#queue.length);
        for (let worker = 0; worker < workers; worker++) {
          // Each worker takes its first chunk in this tick.
          const first = this.#queue.shift()!;
          group.go((signal) => this.#work(worker, first, signal));
        }
        await group.join(options.deadlines.stop, this.#leaveStuckWorkers);
        this.#queueRerenders();
      }
      group.throwIfStopped();
      this.seams.reportCost();
    } finally {
      await this.seams.settle();
    }
  }

  /** Queues the chunks that must be rendered again. */
  #queueRerenders(): void {
    this.#queue = this.seams.takeRerenders();
    for (const chunk of this.#queue) {
      this.#context.run.journal.chunkRerendered(chunk);
      this.#done.delete(chunk);
      this.#stored.delete(chunk);
    }
  }

  /** The finished chunks from the start up to the first gap. */
  get prefix(): RenderChunk[] {
    const { chunks } = this.#context.run.plan;
    const missing = chunks.findIndex((chunk) => !this.#done.has(chunk) || this.seams.mustRerender(chunk));
    return missing < 0 ? [...chunks] : chunks.slice(0, missing);
  }

  async #reuse(kept: KeptChunks): Promise<void> {
    for (const [chunk, seams] of await kept.reuse()) {
      this.#done.set(chunk, undefined);
      this.#stored.add(chunk);
      this.#context.run.journal.chunkDone(chunk);
      for (const side of ['entry', 'end'] as const) {
        if (seams[side]) this.seams.judge(chunk, side, seams[side]);
      }
    }
  }

  /** Stores the finished chunks that are known to be right. */
  async #store(): Promise<void> {
    const { kept, run } = this.#context;
    if (!kept) return;
    for (const [chunk, worker] of this.#done) {
      if (worker === undefined || this.#stored.has(chunk) || !this.seams.audit.isProven(chunk.index)) continue;
      this.#stored.add(chunk);
      await kept.keep(chunk, worker, this.seams.audit, run.leftover);
    }
  }

  /** Runs one worker, from its first chunk to its last. */
  async #work(worker: number, first: RenderChunk, signal: AbortSignal): Promise<void> {
    const { journal } = this.#context.run;
    let workerPage: WorkerPage | undefined;
    try {
      for (let chunk: RenderChunk | undefined = first; chunk; chunk = this.#next()) {
        if (!workerPage && this.#queue.length > 0) workerPage = this.#newPage(worker);
        await this.#renderChunk(chunk, worker, workerPage, signal);
      }
    } finally {
      await workerPage?.[Symbol.asyncDispose]();
    }
    journal.worker(worker, 'finished');
  }

  /** The next chunk. Those that must be rendered again anyway are left for later. */
  #next(): RenderChunk | undefined {
    this.#queue = this.#queue.filter((chunk) => !this.seams.mustRerender(chunk));
    return this.#queue.shift();
  }

  #newPage(worker: number): WorkerPage {
    return new WorkerPage(
      () => this.#queue.length > 0,
      (event) => this.#context.run.journal.record('worker' in event ? { ...event, worker } : event),
    );
  }

  /** Renders a chunk. Restarts it, up to `retries` times, if its worker was killed from outside. */
  async #renderChunk(
    chunk: RenderChunk,
    worker: number,
    workerPage: WorkerPage | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { options, journal, group } = this.#context.run;
    const crashes: unknown[] = [];
    for (;;) {
      const crash = await this.#attempt(chunk, worker, workerPage, signal, crashes);
      if (!crash) break;
      crashes.push(crash.error);
      journal.retry(worker, chunk.index, crashes.length, options.retries, crash.error);
      // The listener of the event may have stopped the render.
      group.throwIfStopped();
      await workerPage?.reset();
    }
    this.#done.set(chunk, worker);
    journal.chunkDone(chunk, worker);
    await this.#store();
  }

  /**
   * Renders a chunk once. Resolves with undefined when it is rendered, or with a crash after which it may be
   * restarted, once nothing of the attempt is left. `crashes` are those of the earlier attempts.
   */
  async #attempt(
    chunk: RenderChunk,
    worker: number,
    workerPage: WorkerPage | undefined,
    signal: AbortSignal,
    crashes: readonly unknown[],
  ): Promise<{ error: unknown } | undefined> {
    const { run, directory, executor } = this.#context;
    const { journal, group, options, jobOptions, plan, fail } = run;
    let running = true;
    let failed = false;
    let crash: { error: unknown } | undefined;

    // Decided in the tick of the failure: it stops the other workers either now or never.
    const onFailure = (error: unknown, position: RenderPosition) => {
      if (group.isEcho(error) || (crash && isEcho(error, crash.error))) return;
      failed = true;
      if (!signal.aborted && crashes.length < options.retries && processWasKilled(error)) {
        crash ??= { error };
        return;
      }
      // After the last retry, the first error is the cause, as it would be without retries.
      const earlier = crash ? [...crashes, crash.error] : crashes;
      const inOrder = processWasKilled(error) || crash ? [...earlier, error] : [error, ...earlier];
      for (const each of inOrder) fail(each, position);
    };

    const job: ChunkJob = {
      signal,
      worker,
      ...(workerPage ? { workerPage } : {}),
      ...(jobOptions.browsers ? { browsers: jobOptions.browsers } : {}),
      ...(jobOptions.hooks ? { hooks: jobOptions.hooks } : {}),
      onProgress: (share) => {
        if (running) journal.progress(chunk.index, share);
      },
      onEvent: (event) => {
        if (running) this.#onEvent(chunk, worker, event, onFailure);
      },
    };
    journal.worker(worker, 'starting', chunk);
    try {
      const output = directory.file(chunk.fileName);
      const result = await executor.render(plan.compositionUrl, output, this.#optionsOf(chunk), job);
      // If the executor has emitted a failure, its chunk cannot be trusted, even though it resolves.
      if (failed) throw crash?.error ?? group.signal.reason;
      this.#acceptResult(chunk, worker, readChunkResult(result));
    } catch (error) {
      onFailure(error, journal.position(worker));
      if (!crash || signal.aborted || journal.leftovers.length > 0) {
        if (crash) fail(crash.error, journal.position(worker));
        journal.worker(worker, failed ? 'failed' : 'stopped');
        throw error;
      }
      journal.worker(worker, 'retrying');
      return crash;
    } finally {
      running = false;
    }
    return undefined;
  }

  /** A chunk's options, with the paths of its files in the directory of this render. */
  #optionsOf(chunk: RenderChunk): RendererOptions {
    const options = { ...chunk.options };
    const { directory } = this.#context;
    for (const name of [...SIDE_FILES, 'seamFiles'] as const) {
      const file = options[name];
      if (file !== undefined) options[name] = directory.file(file);
    }
    const entry = this.seams.entryOf(chunk);
    return entry ? { ...options, entry } : options;
  }

  #onEvent(
    chunk: RenderChunk,
    worker: number,
    event: RenderEvent,
    onFailure: (error: unknown, position: RenderPosition) => void,
  ): void {
    const { journal } = this.#context.run;
    const own = 'worker' in event ? { ...event, worker } : event;
    // A worker emits its failure before it has cleaned up, so that the others stop in the same tick.
    if (own.type === 'worker-failed') {
      const { phase, frame } = own;
      const failedAt = { ...(phase ? { phase } : {}), ...(frame === undefined ? {} : { frame }) };
      onFailure(own.error, { ...journal.position(worker), ...failedAt });
    }
    if (own.type === 'seam') this.seams.judge(chunk, own.side, own);
    if (own.type === 'files') this.#context.kept?.recordFiles(worker, own);
    journal.record(own);
  }

  /** Records an executor's result for a finished chunk, as far as its events have not already contained it. */
  #acceptResult(chunk: RenderChunk, worker: number, { coding, stamp, files, seams }: ChunkResult): void {
    if (coding && stamp) this.verified.set(chunk, { coding, stamp });
    if (files) this.#context.kept?.recordFiles(worker, files);
    for (const side of ['entry', 'end'] as const) {
      const picture = seams?.[side];
      const isNew = picture && picture.hash !== this.seams.audit.sidesOf(chunk.index)[side]?.hash;
      if (isNew) this.seams.judge(chunk, side, picture);
    }
  }

  /** Abandons workers that have not stopped in time, as leftovers. Their events are ignored from now on. */
  readonly #leaveStuckWorkers = (): void => {
    const { journal } = this.#context.run;
    for (const index of journal.busyWorkers()) journal.leftover(`worker ${index}, which does not stop`);
  };
}
