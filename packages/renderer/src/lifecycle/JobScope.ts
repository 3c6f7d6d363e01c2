import { setMaxListeners } from 'node:events';
import type { RenderPhase, RenderPosition } from '../errors.js';
import { StallError, TeardownError } from '../errors.js';
import type { RenderEvent } from '../events.js';
import type { RenderHooks, RenderJobOptions } from '../types.js';
import { abortable, atHook, linkAbort, withDeadline } from './abort.js';
import { NO_HARDENING, type Hardening } from './hardening.js';
import { ManagedProcess, type ProcessOptions } from './ManagedProcess.js';
import { processEvents } from './processEvents.js';

/**
 * One job's life: its signal, where it is, and the one way to wait. Whatever fails first aborts the
 * signal in the same tick, which kills every process of the job; that failure is the job's cause.
 */
export class JobScope implements Disposable {
  /** Where the job is now. Errors carry a copy. */
  readonly position: RenderPosition;
  /** How processes are tied to this one by the kernel. */
  hardening: Hardening = NO_HARDENING;
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  readonly #emit: (event: RenderEvent) => void;
  readonly #hooks: RenderHooks | undefined;
  readonly #leftovers: string[] = [];
  #over = false;

  /**
   * Runs one job and everything that it acquires. Rejects with the job's cause, or with a
   * TeardownError where something of a job that went well could not be removed.
   */
  static async run<T>(jobOptions: RenderJobOptions, work: (scope: JobScope) => Promise<T>): Promise<T> {
    using scope = new JobScope(jobOptions);
    let result: T;
    try {
      result = await work(scope);
    } catch (error) {
      scope.failAlso(error);
      throw scope.signal.reason;
    }
    if (scope.#leftovers.length > 0) throw new TeardownError(scope.#leftovers);
    return result;
  }

  private constructor(jobOptions: RenderJobOptions) {
    this.position = { worker: jobOptions.worker ?? 0 };
    this.#emit = jobOptions.onEvent ?? (() => {});
    this.#hooks = jobOptions.hooks;
    // Every process and every wait listens; there may be many, and none of them is a leak.
    setMaxListeners(0, this.signal);
    this.#unlink = linkAbort(jobOptions.signal, this.#controller);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get worker(): number {
    return this.position.worker ?? 0;
  }

  /** Tells an event. A listener that throws fails the job, like anything else that does. */
  emit(event: RenderEvent): void {
    try {
      this.#emit(event);
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Begins a phase. */
  async enter(phase: RenderPhase): Promise<void> {
    this.position.phase = phase;
    this.emit({ type: 'phase', phase, worker: this.worker });
    await this.step(phase);
  }

  /** Called before each step, so that a test may hold the job or fail it exactly there. */
  async step(phase: RenderPhase): Promise<void> {
    if (!this.#hooks) return;
    const fail = (error: unknown) => this.failAlso(error);
    await atHook(this.#hooks, { ...this.position, phase }, this.signal, fail);
  }

  /** Makes this error the job's cause, unless it is stopping already. Kills and tells in this tick. */
  fail(error: unknown): void {
    if (this.#abort(error)) this.emit({ type: 'worker-failed', error, ...this.position, worker: this.worker });
  }

  /**
   * The same for what a stop cannot have caused: when the job is stopping already, it is told as a
   * later failure, which never takes the place of the cause.
   */
  failAlso(error: unknown): void {
    if (!this.#abort(error) && (this.#over || error === this.signal.reason)) return;
    this.emit({ type: 'worker-failed', error, ...this.position, worker: this.worker });
  }

  #abort(error: unknown): boolean {
    if (this.signal.aborted) return false;
    this.#controller.abort(error);
    return true;
  }

  /**
   * Waits for a promise, at most as long as the deadline. Rejects with the job's cause: the reason
   * of an abort as soon as it comes, or this promise's own failure, or a StallError. `phase` is named
   * by that error where it is not the job's.
   */
  async wait<T>(
    promise: Promise<T>,
    deadlineMs: number,
    waitingFor: string | (() => string),
    phase?: RenderPhase,
  ): Promise<T> {
    try {
      const late = () => {
        const what = typeof waitingFor === 'string' ? waitingFor : waitingFor();
        return new StallError(what, deadlineMs, { ...this.position, ...(phase ? { phase } : {}) });
      };
      return await withDeadline(abortable(promise, this.signal), deadlineMs, late);
    } catch (error) {
      this.fail(error);
      throw this.signal.reason;
    }
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
    const emit = (event: RenderEvent) => this.emit(event);
    return { signal: this.signal, ...processEvents(emit, this.leftover, this.worker) };
  }

  /** Takes note of something that could not be removed. Given as a function: `onLeftover`. */
  readonly leftover = (what: string): void => {
    this.#leftovers.push(what);
    this.emit({ type: 'warning', message: `left behind: ${what}`, worker: this.worker });
  };

  [Symbol.dispose](): void {
    this.#over = true;
    this.#unlink();
  }
}
