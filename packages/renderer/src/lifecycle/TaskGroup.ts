import { setMaxListeners } from 'node:events';
import { linkAbort } from './abort.js';

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
    // Every worker listens; there may be many, and none of them is a leak.
    setMaxListeners(0, this.signal);
    this.#unlink = linkAbort(parent, this.#controller);
  }

  /** Aborts when the first task fails or the parent aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Failures after the first that are not mere echoes of the abort. */
  get suppressed(): readonly unknown[] {
    return this.#suppressed;
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

  /** Makes this error the group's, unless it is stopping already; aborts the others in this tick. */
  fail(error: unknown): void {
    if (!this.signal.aborted) {
      this.#failure = { error };
      this.#controller.abort(error);
    } else if (!this.#isEcho(error) && !this.#suppressed.includes(error)) {
      this.#suppressed.push(error);
    }
  }

  /** Waits until every task has settled, then throws what stopped the group, if anything did. */
  async join(): Promise<void> {
    await Promise.all(this.#tasks);
    this.throwIfStopped();
  }

  throwIfStopped(): void {
    if (this.#failure) throw this.#failure.error;
    this.signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#unlink();
  }

  #isEcho(error: unknown): boolean {
    if (error === this.signal.reason || error === this.#failure?.error) return true;
    if (!(error instanceof Error)) return false;
    return error.name === 'AbortError' || (error.cause !== undefined && error.cause === this.signal.reason);
  }
}
