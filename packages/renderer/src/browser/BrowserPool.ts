import { resolvePoolOptions, type BrowserPoolOptions } from '../options/options.js';
import { IdleBrowsers } from './IdleBrowsers.js';

/** Gives a render access to the browsers of a pool. The pool's owner does not need it, so it is not a public member. */
export let idleBrowsersOf: (pool: BrowserPool) => IdleBrowsers;

/**
 * Browsers that a program keeps from render to render, passed to each render as `browsers` in its job options. A render
 * that finds one here need not wait for a browser to start. A browser belongs to the program while it is idle, and to
 * the render that uses it: if that render stops or fails, the browser is killed with it and never comes back. Each page
 * gets a browser context of its own, which is deleted with all its data before the browser comes back; a page does
 * not see a profile that `args` may name.
 *
 * An idle browser does not keep Node alive. It is ended after `idleMs`, with the pool, and with this process, however
 * the process ends.
 */
export class BrowserPool implements AsyncDisposable {
  readonly #browsers: IdleBrowsers;

  static {
    idleBrowsersOf = (pool) => pool.#browsers;
  }

  /** Does not start a browser yet. Throws an OptionsError that names every fault of the options. */
  constructor(options: BrowserPoolOptions = {}) {
    this.#browsers = new IdleBrowsers(resolvePoolOptions(options));
  }

  /** The number of browsers that wait for a render. */
  get idle(): number {
    return this.#browsers.size;
  }

  /**
   * Ends every idle browser. Browsers in use are ended when their renders return them. A render that still has the pool
   * starts its own browsers. Rejects with a TeardownError if something of an idle browser could not be removed.
   */
  close(): Promise<void> {
    return this.#browsers.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
