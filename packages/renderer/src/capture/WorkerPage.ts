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

interface Held {
  key: string;
  session: BrowserSession;
  source: ScreenshotSource;
}

/**
 * The browser of one worker, with the page in it, kept from chunk to chunk: the next chunk goes on
 * from the frame where the last one ended. Give the same one to the jobs of a worker, one after the
 * other, and dispose of it after the last; it dies at once when the signal of those jobs aborts.
 */
export class WorkerPage implements ScopeKeeper, AsyncDisposable {
  /** The scope of the jobs that have had it, once there was one. */
  scope: JobScope | undefined;
  #held: Held | undefined;
  #drawsUnseen = false;
  #closing: Promise<unknown> = Promise.resolve();

  /**
   * `isWanted` says whether there will be another job after the present one; `onEvent` is told what
   * happens between jobs and after the last.
   */
  constructor(
    readonly isWanted: () => boolean = () => false,
    readonly onEvent: (event: RenderEvent) => void = () => {},
  ) {}

  /**
   * The page, loaded: the one that is there when it can go on to the first frame of the options, else
   * a new one, in a browser of the pool where there is one.
   */
  async open(scope: JobScope, options: ResolvedOptions, url: string, pool?: BrowserPool): Promise<ScreenshotSource> {
    const key = keyOf(options, url);
    if (this.#held?.key === key && this.#held.source.next <= options.startFrame) return this.#held.source;
    return this.#begin(key, scope, options, url, pool);
  }

  /** The same as a new page, which draws all that it draws also in frames that nobody sees; so do the next ones. */
  async openDrawingAll(...opened: Parameters<WorkerPage['open']>): Promise<ScreenshotSource> {
    this.#drawsUnseen = true;
    await this.close();
    return this.open(...opened);
  }

  async #begin(
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
        page = await loadDrawn(scope, options, url, pool);
        const source = await openSource(page);
        page.drawsUnseen = this.#drawsUnseen;
        this.#held = { key, session: page.session, source };
        return source;
      });
    } catch (error) {
      await putAway({ session: page?.session });
      throw error;
    }
  }

  /** Ends the browser, or gives it back to its pool. The next job opens a new page. */
  async close(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    this.#closing = Promise.all([this.#closing, held && putAway(held)]);
    await this.#closing;
  }

  /** Does the same, and forgets the jobs that had it, one of which may have failed. */
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
 * The page, loaded, in a browser that draws WebGL as the options say. Most pages have none, and llvmpipe takes
 * 20 MiB more of a browser: `auto` begins without it, and loads a page that has WebGL once more.
 */
async function loadDrawn(
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool: BrowserPool | undefined,
): Promise<PageSession> {
  const page = await loadAlone(scope, options, url, pool);
  if (page.webgpu === 'wanted') {
    await page.session[Symbol.asyncDispose]();
    return loadAlone(scope, { ...options, webgpu: true, webgl: 'swiftshader' }, url, pool);
  }
  if (options.webgl !== 'auto' || !page.usesWebGl || !llvmpipeFor('auto')) return page;
  await page.session[Symbol.asyncDispose]();
  try {
    return await loadAlone(scope, { ...options, webgl: 'llvmpipe' }, url, pool);
  } catch (error) {
    if (!isA(error, LlvmpipeError)) throw error;
    scope.emit({ type: 'warning', message: error.message, worker: scope.worker });
    return loadAlone(scope, { ...options, webgl: 'swiftshader' }, url, pool);
  }
}

async function loadAlone(...[scope, options, url, pool]: Parameters<typeof loadDrawn>): Promise<PageSession> {
  const session = await BrowserSession.open(scope, options, pool);
  try {
    // Whatever fails here stops the others before the browser is waited for.
    return await scope.guard(async () => {
      const page = await loadPage(session, scope, options, url);
      // Who asks and goes on with WebGL has done without it.
      if (page.webgpu !== 'lacking' || page.usesWebGl) return page;
      throw new ToolError('the page needs WebGPU, and the browser has none', { ...scope.position });
    });
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

interface Belongings {
  session: BrowserSession | undefined;
  source?: ScreenshotSource;
}

async function putAway({ session, source }: Belongings) {
  // The browser goes in this tick: what becomes of its page from now on is nobody's business.
  await Promise.all([session?.[Symbol.asyncDispose](), source?.[Symbol.asyncDispose]()]);
}

/** What must be the same for two chunks to be drawn by one page: everything but the range and its files. */
function keyOf(options: ResolvedOptions, url: string): string {
  return JSON.stringify([url, pageOptions(options)]);
}
