import { TeardownError } from '../errors.js';
import { abortable, withDeadline } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { processEvents } from '../lifecycle/processEvents.js';
import {
  resolvePoolOptions,
  type BrowserPoolOptions,
  type ResolvedOptions,
  type ResolvedPoolOptions,
} from '../options/options.js';
import { browserLaunch, type Browser } from './Browser.js';

/** How long a browser that has waited may take to answer before it is taken for dead, in milliseconds. */
const ANSWER_MS = 2000;

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
  readonly #options: ResolvedPoolOptions;
  /** Those that wait, each with the end of its wait, in the order in which they came. */
  readonly #idle = new Map<Browser, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<void>>();
  readonly #leftovers: string[] = [];
  #closed = false;

  /** Starts nothing. Throws an OptionsError that names every fault of the options. */
  constructor(options: BrowserPoolOptions = {}) {
    this.#options = resolvePoolOptions(options);
  }

  /** How many browsers wait for a render. */
  get idle(): number {
    return this.#idle.size;
  }

  /**
   * Ends every browser that waits. Those that renders use now are ended when they are given back, and
   * a render that still has the pool starts its own. Rejects with a TeardownError when something of a
   * browser that has waited here could not be removed.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const browser of this.#idle.keys()) this.#end(browser);
    await Promise.all(this.#ending);
    if (this.#leftovers.length > 0) throw new TeardownError(this.#leftovers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For a render: a browser that was started as its own would be, and lives. Undefined where there is none. */
  async borrow(scope: JobScope, options: ResolvedOptions): Promise<Browser | undefined> {
    const { key } = browserLaunch(options);
    for (;;) {
      scope.signal.throwIfAborted();
      const browser = [...this.#idle.keys()].findLast((each) => each.key === key);
      if (!browser) return undefined;
      this.#remove(browser);
      browser.lendTo(scope);
      if (await answers(browser, scope.signal)) return browser;
      await browser[Symbol.asyncDispose]();
    }
  }

  /** Whether a browser that is given back would be kept. */
  wants(browser: Browser): boolean {
    return !this.#closed && browser.pages < this.#options.pagesPerBrowser;
  }

  /** From a render that is done with it: keeps a browser that it wants, in place of the one that waits longest. */
  keep(browser: Browser, scope: JobScope): boolean {
    if (!this.wants(browser) || scope.signal.aborted) return false;
    const [oldest] = this.#idle.keys();
    if (oldest && this.#idle.size >= this.#options.size) this.#end(oldest);
    const end = () => this.#end(browser);
    this.#idle.set(browser, setTimeout(end, this.#options.idleMs).unref());
    browser.takeFrom(
      scope,
      processEvents(() => {}, this.#leftover),
      this.#leftover,
      end,
    );
    return true;
  }

  readonly #leftover = (what: string): void => void this.#leftovers.push(what);

  #remove(browser: Browser): boolean {
    clearTimeout(this.#idle.get(browser));
    return this.#idle.delete(browser);
  }

  /** Kills a browser that waits, in this tick, and removes its files. What has ended by itself is removed too. */
  #end(browser: Browser): void {
    if (!this.#remove(browser)) return;
    const ending = browser[Symbol.asyncDispose]().then(() => void this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/** Whether a browser that has waited still lives: it may have ended, or hang. */
async function answers(browser: Browser, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = Promise.race([browser.attach().then(() => true), browser.process.ended.then(() => false)]);
    return await abortable(
      withDeadline(answer, ANSWER_MS, () => new Error('late')),
      signal,
    );
  } catch {
    return false;
  }
}
