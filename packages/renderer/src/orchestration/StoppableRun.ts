import { StallError, type RenderPhase, type RenderPosition, TeardownError } from '../errors.js';
import { abortable, withDeadline } from '../lifecycle/abort.js';
import { atHook } from '../lifecycle/hooks.js';
import { freeDiskCheck, watchTime } from '../lifecycle/limits.js';
import { waitForDisk } from '../lifecycle/waitForDisk.js';
import { processEvents } from '../lifecycle/processEvents.js';
import { RepeatedCheck } from '../lifecycle/RepeatedCheck.js';
import { TaskGroup } from '../lifecycle/TaskGroup.js';
import type { ResolvedOptions } from '../options/options.js';
import type { OutputJob } from '../outputs/Output.js';
import { RenderJournal } from './RenderJournal.js';
import type { RenderJobOptions, RenderPlan } from '../types.js';
import { wordsOf } from '../unknowns.js';

/**
 * The one way to stop: a run of several workers that end together. The first failure, the user's signal or a limit
 * (time, free disk) aborts the group in one tick, everything below the group's signal settles and cleans up, and then
 * the original error comes out. A render and a verification are such runs, with other work in them.
 */
export class StoppableRun<O extends ResolvedOptions = ResolvedOptions> {
  readonly group: TaskGroup;
  readonly journal: RenderJournal;
  /** Where the failure that stops the group happened, as far as the error itself does not say. */
  #failedAt: RenderPosition = {};
  #stopTimeWatch = (): void => {};

  private constructor(
    readonly plan: RenderPlan,
    readonly options: O,
    readonly jobOptions: RenderJobOptions,
  ) {
    this.group = new TaskGroup(jobOptions.signal);
    this.journal = new RenderJournal(plan, jobOptions, (error) => this.fail(error));
  }

  /**
   * Runs `work`, which must release everything that it acquires, then `report`, which makes the result of it. Rejects
   * with what stopped the run: the first failure itself, or the reason of the user's signal; with a TeardownError where
   * something of a run that went well could not be removed.
   */
  static async start<T, R, O extends ResolvedOptions>(
    { plan, options, jobOptions }: Pick<StoppableRun<O>, 'plan' | 'options' | 'jobOptions'>,
    work: (run: StoppableRun<O>) => Promise<T>,
    report: (result: T, run: StoppableRun<O>) => R,
  ): Promise<R> {
    const run = new StoppableRun(plan, options, jobOptions);
    const { journal, group } = run;
    group.signal.addEventListener('abort', run.#onAbort, { once: true });
    const describeProgress = () => journal.describeProgress();
    run.#stopTimeWatch = watchTime(options.limits.timeoutMs, describeProgress, (error) => run.fail(error));
    try {
      journal.state('running');
      const result = await run.#watchingDisk(() => work(run));
      if (journal.leftovers.length > 0) throw new TeardownError(journal.leftovers);
      journal.state('succeeded');
      return report(result, run);
    } catch (error) {
      run.fail(error);
      journal.stopping(group.cause, false, run.#failedAt);
      journal.stopped(group.cause, group.suppressed);
      throw group.cause;
    } finally {
      run.ignoreAborts();
    }
  }

  get signal(): AbortSignal {
    return this.group.signal;
  }

  /** The first to hear of an abort, whoever causes it: the time that a stop takes is measured from here. */
  readonly #onAbort = (): void => {
    this.journal.stopping(this.signal.reason, !this.group.failed, this.#failedAt);
  };

  /** Makes this error the run's, unless it is stopping already; stops all workers in this tick. */
  readonly fail = (error: unknown, position: RenderPosition = this.journal.position()): void => {
    if (!this.signal.aborted) this.#failedAt = position;
    this.group.fail(error);
  };

  /** Runs a part of the work whose failure stops the run at once, before the part's own resources are released. */
  async failFast<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** After the commit nothing can stop the run any more: it has succeeded. */
  ignoreAborts(): void {
    this.#stopTimeWatch();
    this.signal.removeEventListener('abort', this.#onAbort);
    this.group[Symbol.dispose]();
  }

  /** Called before each step of the run, so that a test may hold it or fail it exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    this.group.throwIfStopped();
    const { hooks } = this.jobOptions;
    if (hooks) await atHook(hooks, { phase }, this.signal, (error) => this.group.fail(error));
  }

  /** Something beside the run did not work. */
  readonly warn = (what: string, error: unknown): void => {
    this.journal.record({ type: 'warning', message: `${what}: ${wordsOf(error)}` });
  };

  /** Something that should be gone could not be removed. */
  readonly leftover = (what: string): void => this.journal.leftover(what);

  /** What the outputs of the run are made for, from the join to the commit. `signal` stops that. */
  outputJob(signal = this.signal): OutputJob {
    const position = { phase: 'commit' } as const;
    return {
      signal,
      position,
      leftover: this.leftover,
      wait: (work, deadlineMs, waitingFor, place) =>
        waitForDisk(work, { waitingFor, deadlineMs, position: { ...position, ...place }, signal }),
      processOptions: () => processEvents((event) => this.journal.record(event), this.leftover),
      committed: () => this.ignoreAborts(),
    };
  }

  /** Makes sure that there is room on the disk before the work, and that it stays so. */
  async #watchingDisk<T>(work: () => Promise<T>): Promise<T> {
    const { minFreeDiskMB } = this.options.limits;
    if (minFreeDiskMB === undefined) return work();
    const { signal } = this;
    const check = freeDiskCheck(minFreeDiskMB, this.plan.outputPath);
    const { launch } = this.options.deadlines;
    const late = () => new StallError('the disk to say what is free', launch, { phase: 'plan' });
    await withDeadline(abortable(check(), signal), launch, late);
    signal.throwIfAborted();
    await using _disk = new RepeatedCheck(check, (error) => {
      if (!signal.aborted) this.fail(error);
    });
    return await work();
  }
}
