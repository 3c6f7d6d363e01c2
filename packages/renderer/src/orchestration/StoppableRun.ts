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
import { messageOf } from '../unknowns.js';

/**
 * A run of several workers that stop together, used for renders and verifications. The first failure, the user's signal
 * or a limit (time, free disk) aborts the group in one tick. Everything that depends on the group's signal settles and
 * cleans up, and then the run rejects with the original error.
 */
export class StoppableRun<O extends ResolvedOptions = ResolvedOptions> {
  readonly group: TaskGroup;
  readonly journal: RenderJournal;
  /** Where the failure that stopped the group happened, as far as the error itself does not say. */
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
   * Runs `work`, which must release everything that it acquires, then turns its result into the report with `report`.
   * Rejects with whatever stopped the run: the first failure itself, or the reason of the user's signal. Rejects with
   * a TeardownError if a successful run left something that could not be removed.
   */
  static async start<T, R, O extends ResolvedOptions>(
    { plan, options, jobOptions }: Pick<StoppableRun<O>, 'plan' | 'options' | 'jobOptions'>,
    work: (run: StoppableRun<O>) => Promise<T>,
    report: (result: T, run: StoppableRun<O>) => R,
  ): Promise<R> {
    const run = new StoppableRun(plan, options, jobOptions);
    const { journal, group } = run;
    group.signal.addEventListener('abort', run.#onAbort, { once: true });
    const progress = () => journal.describeProgress();
    run.#stopTimeWatch = watchTime(options.limits.timeoutMs, progress, (error) => run.fail(error));
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

  /** Called first on any abort, because the duration of a stop is measured from here. */
  readonly #onAbort = (): void => {
    this.journal.stopping(this.signal.reason, !this.group.failed, this.#failedAt);
  };

  /** Makes this error the run's cause and stops all workers in this tick, unless the run is already stopping. */
  readonly fail = (error: unknown, position: RenderPosition = this.journal.position()): void => {
    if (!this.signal.aborted) this.#failedAt = position;
    this.group.fail(error);
  };

  /** Runs part of the work. If it fails, the run stops at once, before that part's own resources are released. */
  async failFast<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Called at the commit. The run has succeeded, and nothing can stop it any more. */
  ignoreAborts(): void {
    this.#stopTimeWatch();
    this.signal.removeEventListener('abort', this.#onAbort);
    this.group[Symbol.dispose]();
  }

  /** Called before each step of the run, so that a test can pause or fail it exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    this.group.throwIfStopped();
    const { hooks } = this.jobOptions;
    if (hooks) await atHook(hooks, { phase }, this.signal, (error) => this.group.fail(error));
  }

  /** Emits a warning about a problem that does not affect the video. */
  readonly warn = (what: string, error: unknown): void => {
    this.journal.record({ type: 'warning', message: `${what}: ${messageOf(error)}` });
  };

  /** Records something that could not be removed. */
  readonly leftover = (what: string): void => this.journal.leftover(what);

  /** The job for which the run's outputs are made, from the join to the commit. `signal` stops it. */
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

  /** Runs the work while enough disk space is free, which is checked beforehand and every second. */
  async #watchingDisk<T>(work: () => Promise<T>): Promise<T> {
    const { minFreeDiskMB } = this.options.limits;
    if (minFreeDiskMB === undefined) return work();
    const { signal } = this;
    const check = freeDiskCheck(minFreeDiskMB, this.plan.outputPath);
    const { launch } = this.options.deadlines;
    const late = () => new StallError('the disk to report its free space', launch, { phase: 'plan' });
    await withDeadline(abortable(check(), signal), launch, late);
    signal.throwIfAborted();
    await using _disk = new RepeatedCheck(check, (error) => {
      if (!signal.aborted) this.fail(error);
    });
    return await work();
  }
}
