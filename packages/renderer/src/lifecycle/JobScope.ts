import { setMaxListeners } from 'node:events';
import type { RenderPhase, RenderPosition } from '../errors.js';
import { StallError, TeardownError, describePosition } from '../errors.js';
import { wasKilled } from '../errorRecord.js';
import type { ProcessState, RenderEvent } from '../events.js';
import { abortable, isEcho, linkAbort, withDeadline } from './abort.js';
import { callUser } from './callUser.js';
import { NO_HARDENING, type Hardening } from './hardening.js';
import { atHook, type RenderHooks } from './hooks.js';
import { checkMemory, freeDiskCheck, watchTime, type ScopeLimits } from './limits.js';
import { ManagedProcess, type ProcessOptions, type ProcessOwner } from './ManagedProcess.js';
import { processEvents } from './processEvents.js';
import { RepeatedCheck } from './RepeatedCheck.js';
import { explainShortage } from './shortage.js';
import { StopRecord } from './StopRecord.js';

/** What a scope serves. */
export interface ScopeJob {
  signal?: AbortSignal;
  /** The worker that the job is a part of a larger render by: that render tells of the stop for all of them. */
  worker?: number;
  onEvent?: (event: RenderEvent) => unknown;
  hooks?: RenderHooks;
  /** What goes on from job to job, and keeps the scope for them. Default: the scope is over with the job. */
  keeper?: ScopeKeeper;
}

/** What has the same scope for the jobs that it serves, one after the other. */
export interface ScopeKeeper {
  /** The scope, once there was a job. */
  scope: JobScope | undefined;
  /** Is told what happens between jobs, and after the last. */
  readonly onEvent: (event: RenderEvent) => void;
}

/**
 * One job's life: its signal, where it is, and the one way to wait. Whatever fails first aborts the
 * signal in the same tick, which kills every process of the job; that failure is the job's cause.
 */
export class JobScope implements Disposable {
  /** Where the job is now. Errors carry a copy. */
  readonly position: RenderPosition = {};
  /** How processes are tied to this one by the kernel. */
  hardening: Hardening = NO_HARDENING;
  /** What this process holds in memory for the job. */
  readonly buffers = new Set<{ readonly bytes: number }>();
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  #emit: (event: RenderEvent) => unknown = () => {};
  #hooks: RenderHooks | undefined;
  /** A part of a larger render leaves it to that render to tell of the stop. */
  #isPart = false;
  readonly #leftovers: string[] = [];
  readonly #suppressed: unknown[] = [];
  readonly #record = new StopRecord();
  /** The leaders of the groups of processes that run now. */
  readonly #groups = new Set<number>();
  #failure: { error: unknown } | undefined;
  #committed = false;
  /** Something goes on with it: then an abort after the commit still has something to end. */
  #outlivesJob = false;
  #over = false;
  #stoppedAt: RenderPosition = {};

  /**
   * Runs one job, which writes to `outputPath`, and everything that it acquires. Rejects with the
   * job's cause, or with a TeardownError where something of a job that went well could not be removed.
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
      const result = await scope.#withinLimits(limits, outputPath, work);
      if (scope.#leftovers.length > 0) throw new TeardownError(scope.#leftovers);
      return result;
    } catch (error) {
      scope.fail(error);
      scope.#stopped();
      throw scope.#cause;
    }
  }

  private constructor(signal: AbortSignal | undefined) {
    // Every process and every wait listens; there may be many, and none of them is a leak.
    setMaxListeners(0, this.signal);
    const begin = () => {
      this.#stoppedAt = { ...this.position };
      this.#record.begin(this.#cause, !this.#failure, this.#stoppedAt);
    };
    this.signal.addEventListener('abort', begin, { once: true });
    this.#unlink = linkAbort(signal, this.#controller);
  }

  /** The job that it serves from now on, until that is disposed of. */
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

  /** Tells an event. A listener that throws, or rejects, fails the job, like anything else that does. */
  emit(event: RenderEvent): void {
    callUser(
      () => this.#emit(event),
      (error) => {
        if (!this.#over) this.#abort(error);
      },
    );
  }

  /** Calls another listener of whoever gave the job, which fails the job in the same way. */
  callListener(listener: () => unknown): void {
    callUser(listener, (error) => this.fail(error));
  }

  /** Begins a phase. */
  async enter(phase: RenderPhase): Promise<void> {
    this.position.phase = phase;
    this.emit({ type: 'phase', phase, worker: this.worker });
    await this.step(phase);
  }

  /** Called before each step, so that a test may hold the job or fail it exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    this.signal.throwIfAborted();
    const hooks = this.#hooks;
    if (!hooks) return;
    const fail = (error: unknown) => this.fail(error);
    await this.guard(() => atHook(hooks, { ...this.position, phase }, this.signal, fail));
  }

  /** Runs a part of the job whose failure stops the job at once, before anything is released. */
  async guard<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      this.fail(error);
      throw this.signal.reason;
    }
  }

  /**
   * Makes this error the job's cause, unless it is stopping already. Kills and tells in this tick. A
   * failure of its own while the job is stopping is told too; what the kill itself has caused is not.
   */
  fail(error: unknown): void {
    if (this.#over || (this.signal.aborted && wasKilled(error))) return;
    if (this.#abort(error)) this.emit({ type: 'worker-failed', error, ...this.position, worker: this.worker });
  }

  /** True when the error is news: the cause, or one more failure. */
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

  /** The output is in its place: neither an abort nor a limit can stop the job any more. */
  committed(): void {
    this.#committed = true;
    if (!this.#outlivesJob) this.#unlink();
  }

  /**
   * Waits for a promise, at most as long as the deadline. Rejects with the job's cause: the reason
   * of an abort as soon as it comes, or this promise's own failure, or a StallError. `place` is what is
   * not the job's own in the position that this error names.
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

  /** Starts a process that dies with this job, and by the kernel's hand with this Node process. */
  start(
    command: string,
    args: readonly string[],
    { hardening, ...options }: Omit<ProcessOptions, 'signal' | 'wrapper'> & { hardening: keyof Hardening },
  ): ManagedProcess {
    const wrapper = this.hardening[hardening];
    return ManagedProcess.start(command, args, { ...options, wrapper, ...this.processOptions() });
  }

  /** The process options that tie a process to this job and tell of it. */
  processOptions(): Pick<ProcessOptions, 'signal' | 'onStart' | 'onEnd'> {
    return { signal: this.signal, ...processEvents(this.#onProcess, this.leftover, this.worker) };
  }

  /** Takes over a process that runs: it dies with this job from now on. */
  borrow(process: ManagedProcess): void {
    process.belongTo(this.processOptions());
    this.#tellOf(process, 'borrowed');
  }

  /** Gives a process that is to go on to another owner: it is this job's no more. */
  giveBack(process: ManagedProcess, owner: ProcessOwner): void {
    process.belongTo(owner);
    this.#tellOf(process, 'returned');
  }

  #tellOf({ pid, role }: ManagedProcess, state: ProcessState): void {
    this.#onProcess({ type: 'process', state, pid: pid!, role, worker: this.worker });
  }

  readonly #onProcess = (event: Extract<RenderEvent, { type: 'process' }>): void => {
    if (event.state === 'started' || event.state === 'borrowed') this.#groups.add(event.pid);
    else this.#groups.delete(event.pid);
    this.#record.processEnded(event, this.#stoppedAt.phase);
    this.emit(event);
  };

  /** Takes note of something that could not be removed. Given as a function: `onLeftover`. */
  readonly leftover = (what: string): void => {
    this.#leftovers.push(what);
    this.emit({ type: 'warning', message: `left behind: ${what}`, worker: this.worker, leftover: what });
  };

  async #withinLimits<T>(
    { limits, deadlines }: ScopeLimits,
    outputPath: string,
    work: (scope: JobScope) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs, minFreeDiskMB, maxMemoryMB } = limits;
    const checkDisk = freeDiskCheck(minFreeDiskMB ?? 0, outputPath);
    const position = () => ({ ...this.position });
    const isAt = () => `now ${describePosition(this.position) || 'at its start'}`;
    const endWatch = watchTime(timeoutMs, isAt, this.#overLimit);
    try {
      if (minFreeDiskMB !== undefined) await this.wait(checkDisk(), deadlines.launch, 'the disk to say what is free');
      this.signal.throwIfAborted();
      await using _disk = minFreeDiskMB === undefined ? undefined : new RepeatedCheck(checkDisk, this.#overLimit);
      await using _memory =
        maxMemoryMB === undefined
          ? undefined
          : new RepeatedCheck(
              () => checkMemory(maxMemoryMB, this.#groups, this.signal, position, this.buffers),
              this.#overLimit,
            );
      return await work(this);
    } finally {
      endWatch();
    }
  }

  readonly #overLimit = (error: unknown): void => {
    if (!this.signal.aborted && !this.#committed) this.fail(error);
  };

  #stopped(): void {
    if (this.#isPart) return;
    const { phase = 'queued', frame } = this.#stoppedAt;
    const state = this.#failure ? 'failed' : 'stopped';
    const workers = [{ worker: this.worker, phase, ...(frame === undefined ? {} : { frame }), state } as const];
    const circumstances = { workers, retries: [], leftovers: this.#leftovers };
    this.emit(this.#record.stopped(this.#cause, this.#suppressed, circumstances));
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#unlink();
  }
}
