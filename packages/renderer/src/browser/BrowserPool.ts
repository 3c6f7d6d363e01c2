import { resolvePoolOptions, type BrowserPoolOptions } from '../options/options.js';
import { IdleBrowsers } from './IdleBrowsers.js';

/** What a render needs of a pool. Its owner needs none of it, so that it is not in the class. */
export let idleBrowsersOf: (pool: BrowserPool) => IdleBrowsers;

/**
 * Browsers that a program keeps from render to render, given to each one as `browsers` in its job
 * options: a render that finds one here does not wait for a browser to start. The browsers are the
 * program's while they wait, and the render's while it uses them: if that stops or fails, they are
 * killed with all else of it and never come back. Each page gets a context of its own, which is
 * deleted with all data before the browser comes back; it sees no profile that `args` may name.
 *
 * A browser that waits does not keep Node alive, and is gone after `idleMs`, with the pool, and with
 * this process, however that ends.
 */
export class BrowserPool implements AsyncDisposable {
  readonly #browsers: IdleBrowsers;

  static {
    idleBrowsersOf = (pool) => pool.#browsers;
  }

  /** Starts nothing. Throws an OptionsError that names every fault of the options. */
  constructor(options: BrowserPoolOptions = {}) {
    this.#browsers = new IdleBrowsers(resolvePoolOptions(options));
  }

  /** How many browsers wait for a render. */
  get idle(): number {
    return this.#browsers.size;
  }

  /**
   * Ends every browser that waits. Those that renders use now are ended when they are given back, and
   * a render that still has the pool starts its own. Rejects with a TeardownError when something of a
   * browser that has waited here could not be removed.
   */
  close(): Promise<void> {
    return this.#browsers.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
