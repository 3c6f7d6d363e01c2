import type { Protocol } from 'puppeteer-core';
import { AssetError, BrowserCrashError, NavigationError, PageError, shortUrl, where } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options.js';
import { CONTROL_KEY, pageScript } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import { NetworkWatch, type NetworkFailure } from './NetworkWatch.js';

/** What `Date` shows at frame 0: 2025-01-01T00:00:00Z. Any fixed moment does; the same one in every render. */
const EPOCH = Date.UTC(2025, 0, 1);
/** Between two looks at a page that is still loading, in milliseconds. */
const LOAD_POLL_MS = 10;
/** A page that nothing makes draw may never see a frame; it is ready all the same. */
const MAX_FIRST_FRAMES = 20;
/** The ticks of issued frames must lie ahead of the page's own time origin, or nothing is ever drawn. */
const FIRST_TICK = 1e9;

/**
 * The composition in the browser: loaded, with our clock in every document, moved from frame to
 * frame. A failure of the page (an exception, a missing file, a crash) fails the scope at once.
 */
export class PageSession {
  /** The JavaScript contexts of the page's documents: one for each frame. */
  readonly #contexts = new Set<number>();
  readonly #network: NetworkWatch;
  #tick = FIRST_TICK;
  #mainRequest: string | undefined;
  /** The address, once frame 0 is ready. */
  #loaded: string | undefined;

  private constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
  ) {
    this.#network = new NetworkWatch(session.client, (failure) => this.#onMissingAsset(failure));
    this.#listen();
  }

  /** Prepares the empty page: listeners, the clock for every document, the view's size. */
  static async open(session: BrowserSession, scope: JobScope, options: ResolvedOptions): Promise<PageSession> {
    const page = new PageSession(session, scope, options);
    const source = pageScript({
      fps: options.fps,
      props: options.inputProps,
      seed: options.randomSeed,
      epoch: EPOCH,
    });
    const commands = [
      session.send('Page.enable'),
      session.send('Runtime.enable'),
      session.send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }),
      session.send('Page.addScriptToEvaluateOnNewDocument', { source }),
      // Animations stand still unless our clock moves them; they stay in the state `running`.
      session.send('Animation.enable'),
      session.send('Animation.setPlaybackRate', { playbackRate: 0 }),
    ];
    if (!session.beginFrameControl) {
      commands.push(
        session.send('Emulation.setDeviceMetricsOverride', {
          width: options.width,
          height: options.height,
          deviceScaleFactor: options.scale,
          mobile: false,
        }),
      );
    }
    await scope.wait(Promise.all(commands), options.deadlines.launch, 'the page to be prepared');
    return page;
  }

  /** Loads the address and waits until everything that frame 0 needs is there. */
  async load(url: string): Promise<void> {
    const { load } = this.options.deadlines;
    const loaded = new Promise<void>((resolve) => {
      this.session.client.once('Page.loadEventFired', () => resolve());
    });
    const { errorText } = await this.scope.wait(
      this.session.send('Page.navigate', { url }),
      load,
      `the answer of ${shortUrl(url)}`,
    );
    if (errorText === 'net::ERR_ABORTED') await this.#answer(load);
    if (errorText) this.#fail(new NavigationError(url, errorText, { ...this.scope.position }));
    await this.scope.wait(this.#untilLoaded(loaded), load, () => this.#stillLoading(url));
    if (this.session.beginFrameControl) await this.#firstFrames(load);
    await this.settle(load);
    this.#loaded = url;
  }

  /** Every address that the page has read, and whether to read them again says what they said. */
  get files(): NetworkWatch['files'] {
    return this.#network.files;
  }

  /** A page whose process has died ends its load before it tells of that: it is asked whether it lives. */
  async #answer(deadlineMs: number): Promise<void> {
    const answer = this.session.send('Runtime.evaluate', { expression: '0' });
    await this.scope.wait(
      answer.catch(() => never<unknown>()),
      deadlineMs,
      'the page to answer',
    );
  }

  /** Runs the page up to frame n, which must be the one after the present frame (or 0, the first). */
  async step(frame: number, deadlineMs: number): Promise<void> {
    await this.#run(`step(${frame})`, deadlineMs);
    await this.#untilNetworkIdle(deadlineMs);
  }

  /** Lets the browser do a frame's work; with `picture` it draws, and returns the PNG if it made one. */
  async beginFrame(picture: boolean, deadlineMs: number): Promise<Buffer | undefined> {
    const interval = (1000 * this.options.fps.den) / this.options.fps.num;
    this.#tick += interval;
    const { screenshotData } = await this.scope.wait(
      this.session.send('HeadlessExperimental.beginFrame', {
        frameTimeTicks: this.#tick,
        interval,
        ...(picture ? { screenshot: { format: 'png', optimizeForSpeed: true } } : { noDisplayUpdates: true }),
      }),
      deadlineMs,
      'the browser to draw a frame',
    );
    return screenshotData ? Buffer.from(screenshotData, 'base64') : undefined;
  }

  /** Waits for a frame of a browser that draws by itself: layout and animation events happen in it. */
  async ownFrame(deadlineMs: number): Promise<void> {
    await this.#run('realFrame()', deadlineMs);
  }

  /** A picture of the page as it stands, for browsers without begin-frame control. */
  async screenshot(deadlineMs: number): Promise<Buffer> {
    const { data } = await this.scope.wait(
      this.session.send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: true }),
      deadlineMs,
      'the browser to draw a frame',
    );
    return Buffer.from(data, 'base64');
  }

  /**
   * Lazy pictures and observers wait for the first layout in a frame, and animations tell of their
   * start one frame after it. A browser may answer the first frames without the page having taken
   * part, so frames are issued until the page has seen one, and one more.
   */
  async #firstFrames(deadlineMs: number): Promise<void> {
    let seen = false;
    const [main] = this.#contexts;
    void this.#evaluate(main!, control('realFrame()')).then(
      () => (seen = true),
      () => (seen = true),
    );
    for (let issued = 0; !seen && issued < MAX_FIRST_FRAMES; issued++) await this.beginFrame(false, deadlineMs);
    await this.beginFrame(false, deadlineMs);
  }

  /** Timers that are due at once run while a page loads: scripts start themselves with them. */
  async #untilLoaded(loaded: Promise<void>): Promise<void> {
    let done = false;
    void loaded.then(() => {
      done = true;
    });
    while (!done && !this.scope.signal.aborted) {
      // Never longer than until the load: what then still holds the clock is waited for by its own name.
      await Promise.race([loaded, this.#evaluateAll('settle()')]);
      await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, LOAD_POLL_MS))]);
    }
  }

  /** Waits until the page and the network have nothing more to do at the present virtual time. */
  async settle(deadlineMs: number): Promise<void> {
    await this.#run('settle()', deadlineMs);
    await this.#untilNetworkIdle(deadlineMs);
  }

  async #untilNetworkIdle(deadlineMs: number): Promise<void> {
    while (this.#network.loading.length > 0) {
      const list = () => `${this.#network.loading.map(shortUrl).join(', ')} to load`;
      await this.scope.wait(this.#network.idle(), deadlineMs, list);
      // What has loaded is put to use, which may need more files.
      await this.#run('settle()', deadlineMs);
    }
  }

  #run(call: string, deadlineMs: number): Promise<void> {
    const waitingFor = 'the page to be ready (a script that does not end, or a promise given to genlock.waitUntil?)';
    return this.scope.wait(this.#evaluateAll(call), deadlineMs, waitingFor);
  }

  /** Calls our control object in every document of the page. */
  async #evaluateAll(call: string): Promise<void> {
    const calls = [...this.#contexts].map((contextId) => this.#evaluate(contextId, control(call)));
    await Promise.all(calls);
  }

  async #evaluate(contextId: number, expression: string): Promise<void> {
    try {
      await this.session.send('Runtime.evaluate', { contextId, expression, awaitPromise: true });
    } catch (error) {
      // A document may be replaced while it is being asked; the next one is asked in its turn.
      if (!/context|navigated|destroyed|collected/i.test(String(error))) throw error;
    }
  }

  #stillLoading(url: string): string {
    const list = this.#network.loading.filter((loading) => loading !== url);
    return `${shortUrl(url)} to load${list.length > 0 ? ` (still loading: ${list.map(shortUrl).join(', ')})` : ''}`;
  }

  #listen(): void {
    const { client } = this.session;
    client.on('Runtime.executionContextCreated', ({ context }) => {
      const details = context.auxData as { isDefault?: boolean } | undefined;
      if (details?.isDefault) this.#contexts.add(context.id);
    });
    client.on('Runtime.executionContextDestroyed', (destroyed) => {
      // The field that is to replace this number is not yet sent by the browsers in use.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      this.#contexts.delete(destroyed.executionContextId);
    });
    client.on('Runtime.executionContextsCleared', () => this.#contexts.clear());
    client.on('Page.frameNavigated', ({ frame }) => {
      // A redirect while it loads is the page's way; later, a new document would start at time 0 again.
      if (frame.parentId !== undefined || this.#loaded === undefined) return;
      const reason = `the page went to ${shortUrl(frame.url)} while it was being rendered`;
      this.scope.fail(new NavigationError(this.#loaded, reason, { ...this.scope.position }));
    });
    client.on('Network.requestWillBeSent', ({ requestId, type }) => {
      if (type === 'Document') this.#mainRequest ??= requestId;
    });
    client.on('Runtime.exceptionThrown', ({ exceptionDetails }) => this.#onException(exceptionDetails));
    client.on('Runtime.consoleAPICalled', (call) => this.#onConsole(call));
    client.on('Inspector.targetCrashed', () => {
      this.scope.fail(
        new BrowserCrashError(
          `${where(this.scope.position)}the page crashed (often: out of memory)`,
          { ...this.scope.position },
          'renderer',
        ),
      );
    });
    // Nobody is there to answer a dialog, and it would stop the page.
    client.on('Page.javascriptDialogOpening', ({ type }) => {
      void this.session.send('Page.handleJavaScriptDialog', { accept: type === 'alert' || type === 'beforeunload' });
    });
  }

  #onException(details: Protocol.Runtime.ExceptionDetails): void {
    const top = details.stackTrace?.callFrames.find((frame) => frame.url !== '');
    const description = details.exception ? textOf(details.exception) : details.text;
    const error = new PageError(
      description.split('\n    at ')[0]!,
      details.text.includes('in promise') ? 'rejection' : 'exception',
      {
        url: top?.url ?? details.url,
        // The protocol counts lines and columns from 0, people from 1.
        line: (top?.lineNumber ?? details.lineNumber) + 1,
        column: (top?.columnNumber ?? details.columnNumber) + 1,
      },
      { ...this.scope.position },
    );
    this.scope.emit({ type: 'page-error', error, ...this.#place() });
    this.scope.fail(error);
  }

  #onConsole(call: Protocol.Runtime.ConsoleAPICalledEvent): void {
    const text = call.args.map(textOf).join(' ');
    const source = call.stackTrace?.callFrames[0];
    this.scope.emit({
      type: 'page-console',
      level: call.type,
      text,
      ...(source ? { url: source.url, line: source.lineNumber + 1 } : {}),
      ...this.#place(),
    });
  }

  #onMissingAsset({ url, reason, type, requestId }: NetworkFailure): void {
    const position = { ...this.scope.position };
    if (requestId === this.#mainRequest) {
      this.scope.fail(new NavigationError(url, typeof reason === 'number' ? `HTTP ${reason}` : reason, position));
      return;
    }
    const error = new AssetError(url, reason, type, position);
    if (this.options.allowMissingAssets) this.scope.emit({ type: 'warning', message: error.message, ...this.#place() });
    else this.scope.fail(error);
  }

  #place(): { worker: number; frame?: number } {
    const { frame } = this.scope.position;
    return { worker: this.scope.worker, ...(frame === undefined ? {} : { frame }) };
  }

  #fail(error: Error): never {
    this.scope.fail(error);
    throw this.scope.signal.reason;
  }
}

/** A call of our control object in a document, as an expression. */
function control(call: string): string {
  return `globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})]?.${call}`;
}

/** A value of the page as people would write it. */
function textOf(value: Protocol.Runtime.RemoteObject): string {
  if (value.description !== undefined) return value.description;
  return 'value' in value ? String(value.value) : value.type;
}
