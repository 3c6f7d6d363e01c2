import { randomUUID } from 'node:crypto';
import { BrowserCrashError, ToolError, positionPrefix, type RenderPosition } from '../errors.js';
import { abortable, never, withDeadline } from '../lifecycle/abort.js';
import { howItEnded } from '../lifecycle/howItEnded.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { explainStartFailure } from '../lifecycle/shortage.js';
import type { ProcessEnd } from '../lifecycle/howItEnded.js';
import type { ManagedProcess } from '../lifecycle/ManagedProcess.js';
import type { ResolvedOptions } from '../options/options.js';
import { isA } from '../unknowns.js';
import { Browser } from './Browser.js';
import { idleBrowsersOf, type BrowserPool } from './BrowserPool.js';
import { ConnectionLost, type CDPSession } from './Connection.js';
import type { IdleBrowsers } from './IdleBrowsers.js';
import { LlvmpipeError } from './llvmpipe.js';
import { ProtocolFault } from './PipeTransport.js';

/** How long a browser may take to dispose of a page before it is ended instead, in milliseconds. Measured: 10 to 25. */
const DISPOSE_MS = 2000;

/**
 * The compositor draws a captured page into a picture of its own and then copies it into the window, which is never
 * seen. That takes a sixth of its time for a page of 1920 x 1080, so the window is as small as possible. The size of
 * the view is set by `setDeviceMetricsOverride`. Whether a frame has damage is still decided by the whole view.
 */
const ONE_PIXEL = { width: 1, height: 1 };

/** Added to the message when a browser that draws with llvmpipe crashes. */
const DRAWN_BY_LLVMPIPE = ' while llvmpipe drew its WebGL (webgl: swiftshader, --webgl swiftshader, does without)';

/**
 * One page, in a browser that has no other page. Disposing ends the browser. If there is a pool and nothing has gone
 * wrong, it disposes of the page only, and returns the browser to the pool.
 */
export class BrowserSession implements AsyncDisposable {
  /** The fragment of the addresses of our own workers. A page cannot know it. */
  readonly ownWorker = `#${randomUUID()}`;
  #open = true;
  #launched: boolean;
  #root: CDPSession | undefined;
  #client: CDPSession | undefined;
  /** The id of the page's main frame. */
  frameId = '';
  /** The browser context that contains the page and its data. Undefined if the browser ends with the page. */
  #contextId: string | undefined;

  private constructor(
    readonly browser: Browser,
    readonly scope: JobScope,
    readonly pool: IdleBrowsers | undefined,
    readonly options: ResolvedOptions,
  ) {
    this.#launched = browser.pages > 0;
    browser.pages++;
    browser.onEnd = (end) => this.#fail(this.#endedError(end));
    browser.onFault = (error) => this.#fail(isA(error, ProtocolFault) ? this.#protocolError(error) : error);
  }

  /** Opens an empty page: in a matching browser of the pool if there is one, else in a new browser. */
  static async open(scope: JobScope, options: ResolvedOptions, lender?: BrowserPool): Promise<BrowserSession> {
    const pool = lender && idleBrowsersOf(lender);
    const browser = (await pool?.borrow(scope, options)) ?? (await Browser.start(scope, options));
    const session = new BrowserSession(browser, scope, pool, options);
    try {
      const { launch } = options.deadlines;
      session.#client = await scope.wait(session.#openPage(), launch, 'the browser to answer');
      session.#launched = true;
      if (options.webgl === 'llvmpipe') await session.#requireLlvmpipe(launch);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get process(): ManagedProcess {
    return this.browser.process;
  }

  /** Whether frames are issued one by one through `HeadlessExperimental.beginFrame`. */
  get beginFrameControl(): boolean {
    return this.browser.beginFrameControl;
  }

  /** The protocol session of the browser as a whole. */
  get root(): CDPSession {
    if (!this.#root) throw new Error('the page is not open yet');
    return this.#root;
  }

  /** The protocol session of the page, for its events. */
  get client(): CDPSession {
    if (!this.#client) throw new Error('the page is not open yet');
    return this.#client;
  }

  /**
   * Sends a protocol command to the page. If the connection is lost, the promise never settles: the end of the browser
   * fails the scope with a more helpful error.
   */
  readonly send: CDPSession['send'] = async (method, ...params) => {
    try {
      return await this.client.send(method, ...params);
    } catch (error) {
      if (isConnectionLoss(error)) return never();
      throw error;
    }
  };

  /**
   * Returns a function that sends commands to a part of the page with a session of its own. The answer is undefined,
   * whatever its type says, if that part has ended, as workers and frames may at any time.
   */
  sendTo(client: CDPSession): CDPSession['send'] {
    if (client === this.#client) return this.send;
    return async (method, ...params) => {
      try {
        return await client.send(method, ...params);
      } catch (error) {
        if (isConnectionLoss(error)) return undefined;
        throw error;
      }
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    const { browser, scope, pool } = this;
    const isKept = pool?.accepts(browser) && (await this.#disposePage()) && pool.takeBack(browser, scope);
    if (!isKept) await browser[Symbol.asyncDispose]();
  }

  /** Throws if the browser does not draw with llvmpipe: without its driver, a page has no WebGL or waits for ever. */
  async #requireLlvmpipe(deadlineMs: number): Promise<void> {
    const answer = this.root.send('SystemInfo.getInfo');
    const { gpu } = await this.scope.wait(answer, deadlineMs, 'the browser to name its graphics driver');
    const names = gpu.devices.map(({ deviceString }) => deviceString);
    if (!names.some((name) => name.includes('llvmpipe'))) throw new LlvmpipeError(names.join(', '), this.#position());
  }

  /**
   * Removes the page with everything that it left in the browser. Returns false if that fails, and after an abort,
   * which has killed the browser.
   */
  async #disposePage(): Promise<boolean> {
    const { browser, scope } = this;
    if (!this.#client || this.#contextId === undefined || scope.signal.aborted) return false;
    try {
      const late = () => new Error('the browser does not dispose of its page');
      await abortable(withDeadline(browser.disposeContext(this.#contextId), DISPOSE_MS, late), scope.signal);
      return true;
    } catch {
      return false;
    }
  }

  async #openPage(): Promise<CDPSession> {
    const { options } = this;
    try {
      const root = await this.browser.attach();
      this.#root = root;
      // The page's own session can report a crash only once it is attached.
      root.on('Target.targetCrashed', () => {
        this.#fail(new BrowserCrashError(`${this.#prefix()}the page crashed (often: out of memory)`, this.#position()));
      });
      await root.send('Target.setDiscoverTargets', { discover: true });
      if (this.pool) this.#contextId = (await root.send('Target.createBrowserContext')).browserContextId;
      const { targetId } = await root.send('Target.createTarget', {
        url: 'about:blank',
        ...(this.beginFrameControl ? ONE_PIXEL : { width: options.width, height: options.height }),
        ...(this.#contextId === undefined ? {} : { browserContextId: this.#contextId }),
        ...(this.beginFrameControl ? { enableBeginFrameControl: true } : {}),
      });
      // The id of a page's main frame is that of its target.
      this.frameId = targetId;
      root.on('Target.targetDestroyed', (gone) => {
        if (gone.targetId === targetId)
          this.#fail(new BrowserCrashError(`${this.#prefix()}the page closed itself`, this.#position(), 'page'));
      });
      const { sessionId } = await root.send('Target.attachToTarget', { targetId, flatten: true });
      return root.connection.session(sessionId)!;
    } catch (error) {
      if (isConnectionLoss(error)) return never();
      throw error;
    }
  }

  #fail(error: unknown): void {
    if (this.#open) this.scope.fail(error);
  }

  #endedError(end: ProcessEnd): Error {
    const path = this.process.command;
    const position = this.#position();
    if (end.error)
      return new ToolError(`the browser at ${path} cannot be started: ${explainStartFailure(end.error)}`, position);
    const how = howItEnded(end);
    const said = end.stderr.trim();
    const details = said ? `\n    ${said.split('\n').slice(-8).join('\n    ')}` : '';
    // Most likely a fault of the driver: such signals are not used to end a process.
    const isFault = end.signal !== null && end.signal !== 'SIGKILL' && end.signal !== 'SIGTERM';
    const drawn = isFault && this.options.webgl === 'llvmpipe' ? DRAWN_BY_LLVMPIPE : '';
    if (this.#launched) return new BrowserCrashError(`${this.#prefix()}the browser ${how}${drawn}${details}`, position);
    const hint = /sandbox/i.test(said) ? ' (browserConfig.args: ["--no-sandbox"] starts it without its sandbox)' : '';
    return new ToolError(`the browser at ${path} did not start: it ${how}${hint}${details}`, position, end.signal);
  }

  #protocolError({ message }: ProtocolFault): Error {
    const { command } = this.process;
    const what = `${this.#prefix()}the browser at ${command} does not speak the DevTools protocol (${message})`;
    return new ToolError(`${what}: is it Chromium?`, this.#position());
  }

  #position(): RenderPosition {
    return { ...this.scope.position };
  }

  #prefix(): string {
    return positionPrefix(this.scope.position);
  }
}

/** Whether a command failed because its target is gone, as we or the browser may have noticed. */
function isConnectionLoss(error: unknown): boolean {
  return isA(error, ConnectionLost) || (isA(error, Error) && /Target closed|detached/.test(error.message));
}
