import { TeardownError } from '../errors.js';
import { abortable, withDeadline } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { processEvents } from '../lifecycle/processEvents.js';
import type { ResolvedOptions, ResolvedPoolOptions } from '../options/options.js';
import { browserLaunch, type Browser } from './Browser.js';

/** How long a browser that has waited may take to answer before it is taken for dead, in milliseconds. */
const ANSWER_MS = 2000;

/** The browsers of a pool, as renders use them: they borrow one, and give it back. */
export class IdleBrowsers {
  /** Those that wait, each with the end of its wait, in the order in which they came. */
  readonly #idle = new Map<Browser, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<void>>();
  readonly #leftovers: string[] = [];
  #closed = false;

  constructor(readonly options: ResolvedPoolOptions) {}

  get size(): number {
    return this.#idle.size;
  }

  /** Ends those that wait, and keeps none any more. Rejects with a TeardownError when something of one remains. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const browser of this.#idle.keys()) this.#end(browser);
    await Promise.all(this.#ending);
    if (this.#leftovers.length > 0) throw new TeardownError(this.#leftovers);
  }

  /** A browser that waits, started as this render would start its own, and alive. Undefined where there is none. */
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
    return !this.#closed && browser.pages < this.options.pagesPerBrowser;
  }

  /** Keeps a browser that a render is done with, if it is wanted, in place of the one that waits longest. */
  keep(browser: Browser, scope: JobScope): boolean {
    if (!this.wants(browser) || scope.signal.aborted) return false;
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
