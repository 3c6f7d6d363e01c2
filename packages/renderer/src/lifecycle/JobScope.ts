import { setMaxListeners } from 'node:events';
import type { RenderPhase, RenderPosition } from '../errors.js';
import { StallError, TeardownError } from '../errors.js';
import { processWasKilled } from '../errorRecord.js';
import type { ProcessState, RenderEvent } from '../events.js';
import { abortable, isEcho, linkAbort, withDeadline } from './abort.js';
import { callUser } from './callUser.js';
import { NO_HARDENING, type Hardening } from './hardening.js';
import { atHook, type RenderHooks } from './hooks.js';
import { withinLimits, type LimitedJob, type ScopeLimits } from './limits.js';
import { ManagedProcess, type ProcessOptions, type ProcessOwner } from './ManagedProcess.js';
import { processEvents } from './processEvents.js';
import { explainShortage } from './shortage.js';
import { StopRecord } from './StopRecord.js';

/** A job to run in a scope. */
export interface ScopeJob {
  signal?: AbortSignal;
  /** Index of the worker if the job is part of a larger render. That render then reports a stop for all its workers. */
  worker?: number;
  onEvent?: (event: RenderEvent) => unknown;
  hooks?: RenderHooks;
  /** Keeps the scope for several jobs in a row. Default: the scope ends with the job. */
  keeper?: ScopeKeeper;
}

/** Something that lives on from job to job, such as a worker's page, and keeps one scope for all of them. */
export interface ScopeKeeper {
  /** The scope, once the first job has begun. */
  scope: JobScope | undefined;
  /** Receives events that occur between jobs and after the last one. */
  readonly onEvent: (event: RenderEvent) => void;
}

/**
 * The lifetime of a job: its signal, its position, and the one way to wait. The first failure aborts the
 * signal in the same tick, which kills every process of the job, and becomes the job's cause.
 */
export class JobScope implements Disposable {
  /** Where the job is now. Errors carry a copy. */
  readonly position: RenderPosition = {};
  /** How the kernel ties the job's processes to this one. */
  hardening: Hardening = NO_HARDENING;
  /** Memory that this process holds for the job. */
  readonly buffers = new Set<{ readonly bytes: number }>();
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  #emit: (event: RenderEvent) => unknown = () => {};
  #hooks: RenderHooks | undefined;
  /** Whether the job is part of a larger render, which then reports the stop. */
  #isPart = false;
  readonly #leftovers: string[] = [];
  readonly #suppressed: unknown[] = [];
  readonly #record = new StopRecord();
  /** Leaders of the process groups that are running now. */
  readonly #groups = new Set<number>();
  #failure: { error: unknown } | undefined;
  #committed = false;
  /** Whether the scope lives on after the job, so that an abort after the commit still has something to end. */
  #outlivesJob = false;
  #isOver = false;
  #stoppedAt: RenderPosition = {};

  /**
   * Runs a job that writes to `outputPath`, within its limits. Rejects with the job's cause, or with a TeardownError
   * if the job succeeded but something of it could not be removed.
   */
  static async run<T>(
    job: ScopeJob,
    limits: ScopeLimits,
    outputPath: string,
    work: (scope: JobScope) => Promise<T>,
  ): Promise<T> {
    const { keeper } = job;
    const scope = keeper?.scope ?? new JobScope(job.signal);
    if (keeper) keeper.scope = scope;
    using _job = scope.#begin(job);
    try {
      const result = await withinLimits(scope.#limitedJob, limits, outputPath, () => work(scope));
      if (scope.#leftovers.length > 0) throw new TeardownError(scope.#leftovers);
      return result;
    } catch (error) {
      scope.fail(error);
      scope.#emitStopped();
      throw scope.#cause;
    }
  }

  private constructor(signal: AbortSignal | undefined) {
    // Every process and every wait adds a listener. There may be many, without a leak.
    setMaxListeners(0, this.signal);
    const beginStop = () => {
      this.#stoppedAt = { ...this.position };
      this.#record.begin(this.#cause, !this.#failure, this.#stoppedAt);
    };
    this.signal.addEventListener('abort', beginStop, { once: true });
    this.#unlink = linkAbort(signal, this.#controller);
  }

  /** Begins a job. Disposing of the result ends it. */
  #begin({ worker, keeper, onEvent, hooks }: ScopeJob): Disposable {
    delete this.position.frame;
    this.position.worker = worker ?? 0;
    this.#isPart = worker !== undefined;
    this.#emit = onEvent ?? (() => {});
    this.#hooks = hooks;
    this.#committed = false;
    this.#outlivesJob = keeper !== undefined;
    return {
      [Symbol.dispose]: () => {
        if (keeper) this.#emit = keeper.onEvent;
        else this[Symbol.dispose]();
      },
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get worker(): number {
    return this.position.worker ?? 0;
  }

  /** Emits an event to the user. If the listener throws or rejects, the job fails. */
  emit(event: RenderEvent): void {
    callUser(
      () => this.#emit(event),
      (error) => {
        if (!this.#isOver) this.#abort(error);
      },
    );
  }

  /** Calls another of the user's listeners. If it throws or rejects, the job fails. */
  callListener(listener: () => unknown): void {
    callUser(listener, (error) => this.fail(error));
  }

  /** Begins a phase. */
  async enter(phase: RenderPhase): Promise<void> {
    this.position.phase = phase;
    this.emit({ type: 'phase', phase, worker: this.worker });
    await this.step(phase);
  }

  /** Called before each step, so that a test can pause or fail the job exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    this.signal.throwIfAborted();
    const hooks = this.#hooks;
    if (!hooks) return;
    const fail = (error: unknown) => this.fail(error);
    await this.guard(() => atHook(hooks, { ...this.position, phase }, this.signal, fail));
  }

  /** Runs part of the job. If it fails, the job stops at once, before any resource is released. */
  async guard<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.fail(error);
      throw this.signal.reason;
    }
  }

  /**
   * Makes this error the job's cause, unless the job is already stopping. Kills the processes and emits
   * `worker-failed` in this tick. An independent failure while the job is stopping is emitted too, but not one that
   * the kill itself has caused.
   */
  fail(error: unknown): void {
    if (this.#isOver || (this.signal.aborted && processWasKilled(error))) return;
    if (this.#abort(error)) this.emit({ type: 'worker-failed', error, ...this.position, worker: this.worker });
  }

  /** Stops the job. True if the error is the cause or an independent failure, false if it is an echo or known. */
  #abort(error: unknown): boolean {
    if (!this.signal.aborted) {
      this.#failure = { error };
      this.#controller.abort(error);
      return true;
    }
    if (error === this.#cause || isEcho(error, this.signal.reason) || this.#suppressed.includes(error)) return false;
    this.#suppressed.push(error);
    return true;
  }

  get #cause(): unknown {
    return this.#failure ? this.#failure.error : (this.signal.reason as unknown);
  }

  /** Called when the output is in its place. From then on, neither an abort nor a limit can stop the job. */
  committed(): void {
    this.#committed = true;
    if (!this.#outlivesJob) this.#unlink();
  }

  /**
   * Waits for a promise, at most until the deadline in milliseconds. Rejects with the job's cause: the reason of an
   * abort as soon as it happens, the promise's own failure, or a StallError that says what was waited for. `place`
   * overrides parts of the job's position in that error.
   */
  async wait<T>(
    promise: Promise<T>,
    deadlineMs: number,
    waitingFor: string | (() => string),
    place: RenderPosition = {},
  ): Promise<T> {
    const late = () => {
      const what = typeof waitingFor === 'string' ? waitingFor : waitingFor();
      return new StallError(what, deadlineMs, { ...this.position, ...place });
    };
    return this.guard(async () => {
      try {
        return await withDeadline(abortable(promise, this.signal), deadlineMs, late);
      } catch (error) {
        throw this.signal.aborted ? error : explainShortage(error);
      }
    });
  }

  /** Starts a process that dies with this job and that the kernel, if it can, ends with this Node process. */
  start(
    command: string,
    args: readonly string[],
    { hardening, ...options }: Omit<ProcessOptions, 'signal' | 'wrapper'> & { hardening: keyof Hardening },
  ): ManagedProcess {
    const wrapper = this.hardening[hardening];
    return ManagedProcess.start(command, args, { ...options, wrapper, ...this.processOptions() });
  }

  /** Process options that tie a process to this job and emit its events. */
  processOptions(): Pick<ProcessOptions, 'signal' | 'onStart' | 'onEnd'> {
    return { signal: this.signal, ...processEvents(this.#onProcess, this.leftover, this.worker) };
  }

  /** Takes over a running process, which dies with this job from now on. */
  borrow(process: ManagedProcess): void {
    process.belongTo(this.processOptions());
    this.#recordTransfer(process, 'borrowed');
  }

  /** Hands a running process over to another owner. It no longer belongs to this job. */
  giveBack(process: ManagedProcess, owner: ProcessOwner): void {
    process.belongTo(owner);
    this.#recordTransfer(process, 'returned');
  }

  #recordTransfer({ pid, role }: ManagedProcess, state: ProcessState): void {
    this.#onProcess({ type: 'process', state, pid: pid!, role, worker: this.worker });
  }

  readonly #onProcess = (event: Extract<RenderEvent, { type: 'process' }>): void => {
    if (event.state === 'started' || event.state === 'borrowed') this.#groups.add(event.pid);
    else this.#groups.delete(event.pid);
    this.#record.processEnded(event, this.#stoppedAt.phase);
    this.emit(event);
  };

  /** Records something that could not be removed. An arrow function, so that it can be passed as `onLeftover`. */
  readonly leftover = (what: string): void => {
    this.#leftovers.push(what);
    this.emit({ type: 'warning', message: `left behind: ${what}`, worker: this.worker, leftover: what });
  };

  get #limitedJob(): LimitedJob {
    return {
      signal: this.signal,
      position: this.position,
      groups: this.#groups,
      buffers: this.buffers,
      wait: (work, deadlineMs, waitingFor) => this.wait(work, deadlineMs, waitingFor),
      onExceeded: (error) => {
        if (!this.signal.aborted && !this.#committed) this.fail(error);
      },
    };
  }

  #emitStopped(): void {
    if (this.#isPart) return;
    const { phase = 'queued', frame } = this.#stoppedAt;
    const state = this.#failure ? 'failed' : 'stopped';
    const workers = [{ worker: this.worker, phase, ...(frame === undefined ? {} : { frame }), state } as const];
    const circumstances = { workers, retries: [], leftovers: this.#leftovers };
    this.emit(this.#record.stopped(this.#cause, this.#suppressed, circumstances));
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#unlink();
  }
}
