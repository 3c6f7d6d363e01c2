import { setMaxListeners } from 'node:events';
import { isEcho, linkAbort } from './abort.js';
import { afterDeadline } from './Deadline.js';

/**
 * Tasks that live and die together: the first failure aborts all of them, and `join` settles only
 * when every one has settled. It then throws the very object that failed first.
 */
export class TaskGroup implements Disposable {
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  readonly #tasks: Promise<void>[] = [];
  readonly #suppressed: unknown[] = [];
  #failure: { error: unknown } | undefined;

  /** `parent` aborts the group, with its own reason. */
  constructor(parent?: AbortSignal) {
    // Every worker adds a listener. There may be many, without a leak.
    setMaxListeners(0, this.signal);
    this.#unlink = linkAbort(parent, this.#controller);
  }

  /** Aborts when the first task fails or the parent aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Failures after the first, without those that merely pass on the abort. */
  get suppressed(): readonly unknown[] {
    return this.#suppressed;
  }

  /** What stopped the group: the first failure, or the parent's reason. Undefined while nothing has. */
  get cause(): unknown {
    return this.#failure ? this.#failure.error : (this.signal.reason as unknown);
  }

  /** True when a task's failure, rather than the parent, stopped the group. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Starts a task in this tick. A task that throws at once fails like any other, a microtask later. */
  go(task: (signal: AbortSignal) => Promise<unknown>): void {
    const run = async () => {
      await task(this.signal);
    };
    this.#tasks.push(run().catch((error: unknown) => this.fail(error)));
  }

  /** Makes this error the group's cause and aborts the other tasks in this tick, unless it is already stopping. */
  fail(error: unknown): void {
    if (!this.signal.aborted) {
      this.#failure = { error };
      this.#controller.abort(error);
    } else if (!this.isEcho(error) && !this.#suppressed.includes(error)) {
      this.#suppressed.push(error);
    }
  }

  /**
   * Waits until every task has settled, then throws what stopped the group, if anything did. `stopMs` limits how long
   * it waits after an abort, in milliseconds: then it calls `onStuck` and abandons the tasks that have not stopped.
   */
  async join(stopMs?: number, onStuck: () => void = () => {}): Promise<void> {
    const settled = Promise.all(this.#tasks);
    if (stopMs === undefined) await settled;
    else if (!(await this.#settlesInTime(settled, stopMs))) onStuck();
    this.throwIfStopped();
  }

  #settlesInTime(settled: Promise<unknown>, stopMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      let end = (): void => {};
      const onAbort = () => {
        end = afterDeadline(stopMs, () => resolve(false));
      };
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener('abort', onAbort, { once: true });
      void settled.then(() => {
        end();
        this.signal.removeEventListener('abort', onAbort);
        resolve(true);
      });
    });
  }

  throwIfStopped(): void {
    if (this.#failure) throw this.#failure.error;
    this.signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#unlink();
  }

  /** Whether a task's error merely passes on what stopped the group. */
  isEcho(error: unknown): boolean {
    if (!this.signal.aborted) return false;
    return error === this.cause || isEcho(error, this.signal.reason);
  }
}
