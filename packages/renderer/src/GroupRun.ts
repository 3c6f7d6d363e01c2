import { StallError, type RenderPhase, type RenderPosition, TeardownError } from './errors.js';
import { abortable, atHook, withDeadline } from './lifecycle/abort.js';
import { freeDiskCheck, watchTime } from './lifecycle/limits.js';
import { RepeatedCheck } from './lifecycle/RepeatedCheck.js';
import { TaskGroup } from './lifecycle/TaskGroup.js';
import type { ResolvedOptions } from './options.js';
import { RenderJournal } from './RenderJournal.js';
import type { RenderJobOptions, RenderPlan } from './types.js';

/**
 * A run of several workers that stop together: the first failure, the user's signal or a limit stops
 * all of them in the same tick, and one journal tells of it.
 */
export class GroupRun {
  readonly group: TaskGroup;
  readonly journal: RenderJournal;
  /** Where the failure happened that is about to stop the group, as far as the error does not say it. */
  #first: RenderPosition = {};
  #endTimeWatch = (): void => {};

  private constructor(
    readonly plan: RenderPlan,
    readonly options: ResolvedOptions,
    readonly jobOptions: RenderJobOptions,
  ) {
    this.group = new TaskGroup(jobOptions.signal);
    this.journal = new RenderJournal(plan, jobOptions, (error) => this.fail(error));
  }

  /**
   * Runs `work`, which must release everything that it acquires. Rejects with what stopped the run,
   * or with a TeardownError where something of a run that went well could not be removed.
   */
  static async finish<T>(
    plan: RenderPlan,
    options: ResolvedOptions,
    jobOptions: RenderJobOptions,
    work: (run: GroupRun) => Promise<T>,
  ): Promise<T> {
    return new GroupRun(plan, options, jobOptions).#finish(work);
  }

  async #finish<T>(work: (run: GroupRun) => Promise<T>): Promise<T> {
    const { journal, group } = this;
    group.signal.addEventListener('abort', this.#onAbort, { once: true });
    const progress = () => journal.whereabouts();
    this.#endTimeWatch = watchTime(this.options.limits.timeoutMs, progress, (error) => this.fail(error));
    try {
      journal.state('running');
      const result = await this.#withDiskWatch(() => work(this));
      if (journal.leftovers.length > 0) throw new TeardownError(journal.leftovers);
      journal.state('succeeded');
      return result;
    } catch (error) {
      this.fail(error);
      journal.stopping(error, false, this.#first);
      journal.stopped(error, group.suppressed);
      throw error;
    } finally {
      this.closeToAborts();
    }
  }

  /** The first to hear of an abort, whoever causes it: the stop is measured from here. */
  readonly #onAbort = (): void => {
    const reason: unknown = this.group.signal.reason;
    this.journal.stopping(reason, !this.group.failed, this.#first);
  };

  /** Makes this error the run's, unless it is stopping already; stops all workers in this tick. */
  readonly fail = (error: unknown, first: RenderPosition = this.journal.position()): void => {
    if (!this.group.signal.aborted) this.#first = first;
    this.group.fail(error);
  };

  /** Runs a part of the work whose failure stops the run at once, before anything is released. */
  async guard<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** After the commit nothing can stop the run any more: it has succeeded. */
  closeToAborts(): void {
    this.#endTimeWatch();
    this.group.signal.removeEventListener('abort', this.#onAbort);
    this.group[Symbol.dispose]();
  }

  /** Called before each step, so that a test may hold the run or fail it exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    this.group.throwIfStopped();
    const { hooks } = this.jobOptions;
    if (hooks) await atHook(hooks, { phase }, this.group.signal, (error) => this.group.fail(error));
  }

  readonly leftover = (what: string): void => this.journal.leftover(what);

  /** Makes sure that there is room on the disk before the work, and that it stays so. */
  async #withDiskWatch<T>(work: () => Promise<T>): Promise<T> {
    const { minFreeDiskMB } = this.options.limits;
    if (minFreeDiskMB === undefined) return work();
    const { signal } = this.group;
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
