import { TeardownError } from '../errors.js';
import { abortable, withDeadline } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { processEvents } from '../lifecycle/processEvents.js';
import type { ResolvedOptions, ResolvedPoolOptions } from '../options/options.js';
import { browserLaunch, type Browser } from './Browser.js';

/** How long an idle browser may take to answer before it counts as dead, in milliseconds. */
const ANSWER_MS = 2000;

/** The idle browsers of a pool. Renders borrow them and return them. */
export class IdleBrowsers {
  /** The idle browsers, each with the timer that ends it, in the order in which they were returned. */
  readonly #idle = new Map<Browser, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<void>>();
  readonly #leftovers: string[] = [];
  #closed = false;

  constructor(readonly options: ResolvedPoolOptions) {}

  get size(): number {
    return this.#idle.size;
  }

  /** Ends the idle browsers, and accepts no more. Rejects with a TeardownError if something of one remains. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const browser of this.#idle.keys()) this.#end(browser);
    await Promise.all(this.#ending);
    if (this.#leftovers.length > 0) throw new TeardownError(this.#leftovers);
  }

  /**
   * Lends an idle browser that is alive and was started as this render would start its own. Undefined if there is none.
   */
  async borrow(scope: JobScope, options: ResolvedOptions): Promise<Browser | undefined> {
    const { key } = browserLaunch(options);
    for (;;) {
      scope.signal.throwIfAborted();
      const browser = [...this.#idle.keys()].findLast((each) => each.key === key);
      if (!browser) return undefined;
      this.#remove(browser);
      browser.lendTo(scope);
      if (await isAlive(browser, scope.signal)) return browser;
      await browser[Symbol.asyncDispose]();
    }
  }

  /** Whether the pool would keep this browser if it were returned now. */
  accepts(browser: Browser): boolean {
    return !this.#closed && browser.pages < this.options.pagesPerBrowser;
  }

  /**
   * Takes back a browser, if it is accepted; ends the longest idle one if there are too many. Returns whether it did.
   */
  takeBack(browser: Browser, scope: JobScope): boolean {
    if (!this.accepts(browser) || scope.signal.aborted) return false;
    const [oldest] = this.#idle.keys();
    if (oldest && this.#idle.size >= this.options.size) this.#end(oldest);
    const end = () => this.#end(browser);
    this.#idle.set(browser, setTimeout(end, this.options.idleMs).unref());
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

  /** Kills an idle browser in this tick, if it has not ended by itself, and removes its files. */
  #end(browser: Browser): void {
    if (!this.#remove(browser)) return;
    const ending = browser[Symbol.asyncDispose]().then(() => void this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/** Whether an idle browser still answers: it may have ended, or hang. */
async function isAlive(browser: Browser, signal: AbortSignal): Promise<boolean> {
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
