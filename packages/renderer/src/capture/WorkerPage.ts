import { loadPage, openSource } from './openSource.js';
import type { ScreenshotSource } from './ScreenshotSource.js';
import { ToolError } from '../errors.js';
import type { RenderEvent } from '../events.js';
import type { JobScope, ScopeKeeper } from '../lifecycle/JobScope.js';
import { pageOptions } from '../options/optionGroups.js';
import type { ResolvedOptions } from '../options/options.js';
import { isA } from '../unknowns.js';
import type { BrowserPool } from '../browser/BrowserPool.js';
import { BrowserSession } from '../browser/BrowserSession.js';
import { LlvmpipeError, llvmpipeFor } from '../browser/llvmpipe.js';
import type { PageSession } from '../browser/PageSession.js';

interface OpenPage {
  key: string;
  session: BrowserSession;
  source: ScreenshotSource;
}

/**
 * The browser of one worker with its page, kept from chunk to chunk: the next chunk continues from the frame at which
 * the last one ended. Use one WorkerPage for all jobs of a worker, one after the other, and dispose of it after the
 * last. The browser is killed at once when the signal of those jobs aborts.
 */
export class WorkerPage implements ScopeKeeper, AsyncDisposable {
  /** The scope of the jobs that have used it; undefined before the first one. */
  scope: JobScope | undefined;
  #current: OpenPage | undefined;
  /** Whether pages draw all WebGL, even in undrawn frames. */
  #drawsAllWebGl = false;
  #closing: Promise<unknown> = Promise.resolve();

  /**
   * `isWanted` says whether there will be another job after the current one. `onEvent` receives the events between
   * jobs and after the last one.
   */
  constructor(
    readonly isWanted: () => boolean = () => false,
    readonly onEvent: (event: RenderEvent) => void = () => {},
  ) {}

  /**
   * Returns the loaded page: the current one if it can go on to the first frame of the options, else a new one, in a
   * browser from the pool if there is a pool.
   */
  async open(scope: JobScope, options: ResolvedOptions, url: string, pool?: BrowserPool): Promise<ScreenshotSource> {
    const key = keyOf(options, url);
    if (this.#current?.key === key && this.#current.source.next <= options.startFrame) return this.#current.source;
    return this.#openNew(key, scope, options, url, pool);
  }

  /** Opens a new page that draws all WebGL, even in undrawn frames. So do all pages after it. */
  async reopenDrawingAll(...parameters: Parameters<WorkerPage['open']>): Promise<ScreenshotSource> {
    this.#drawsAllWebGl = true;
    await this.close();
    return this.open(...parameters);
  }

  async #openNew(
    key: string,
    scope: JobScope,
    options: ResolvedOptions,
    url: string,
    pool: BrowserPool | undefined,
  ): Promise<ScreenshotSource> {
    await this.close();
    let page: PageSession | undefined;
    try {
      return await scope.guard(async () => {
        page = await loadWithDriver(scope, options, url, pool);
        const source = await openSource(page);
        page.drawsAllWebGl = this.#drawsAllWebGl;
        this.#current = { key, session: page.session, source };
        return source;
      });
    } catch (error) {
      await dispose({ session: page?.session });
      throw error;
    }
  }

  /** Ends the browser, or returns it to its pool. The next job opens a new page. */
  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    this.#closing = Promise.all([this.#closing, current && dispose(current)]);
    await this.#closing;
  }

  /** Like `close`, and drops the scope of the jobs so far, one of which may have failed. */
  async reset(): Promise<void> {
    await this.close();
    this.scope?.[Symbol.dispose]();
    this.scope = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.reset();
  }
}

/**
 * Loads the page in a browser that draws WebGL as the options say. Most pages have no WebGL, and with llvmpipe a
 * browser needs 20 MiB more. So `auto` begins without it, and loads a page that has WebGL once more.
 */
async function loadWithDriver(
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool: BrowserPool | undefined,
): Promise<PageSession> {
  const page = await loadOnce(scope, options, url, pool);
  if (page.webgpu === 'wanted') {
    await page.session[Symbol.asyncDispose]();
    return loadOnce(scope, { ...options, webgpu: true, webgl: 'swiftshader' }, url, pool);
  }
  if (options.webgl !== 'auto' || !page.usesWebGl || !llvmpipeFor('auto')) return page;
  await page.session[Symbol.asyncDispose]();
  try {
    return await loadOnce(scope, { ...options, webgl: 'llvmpipe' }, url, pool);
  } catch (error) {
    if (!isA(error, LlvmpipeError)) throw error;
    scope.emit({ type: 'warning', message: error.message, worker: scope.worker });
    return loadOnce(scope, { ...options, webgl: 'swiftshader' }, url, pool);
  }
}

async function loadOnce(
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool: BrowserPool | undefined,
): Promise<PageSession> {
  const session = await BrowserSession.open(scope, options, pool);
  try {
    // A failure here stops the other workers before this browser has ended.
    return await scope.guard(async () => {
      const page = await loadPage(session, scope, options, url);
      // A page that asks for WebGPU, does not get it and uses WebGL instead does not need it.
      if (page.webgpu !== 'lacking' || page.usesWebGl) return page;
      throw new ToolError('the page needs WebGPU, which this browser does not have', { ...scope.position });
    });
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function dispose({ session, source }: { session: BrowserSession | undefined; source?: ScreenshotSource }) {
  // The session first: it kills the browser in this tick, and failures of the page no longer count.
  await Promise.all([session?.[Symbol.asyncDispose](), source?.[Symbol.asyncDispose]()]);
}

/** Identifies what two chunks must share for one page to draw both: every option except the range and its files. */
function keyOf(options: ResolvedOptions, url: string): string {
  return JSON.stringify([url, pageOptions(options)]);
}
