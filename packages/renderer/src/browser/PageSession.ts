import { setTimeout } from 'node:timers/promises';
import { AssetError, NavigationError, shortUrl } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options.js';
import type { FrameFate, Outcome, Rest } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import { GarbageCollection } from './GarbageCollection.js';
import { NetworkWatch, type NetworkFailure } from './NetworkWatch.js';
import { PageFrames } from './PageFrames.js';
import { PageReporter } from './PageReporter.js';
import { PageTargets } from './PageTargets.js';
import { ResponseOrder } from './ResponseOrder.js';

/** What `Date` shows at frame 0: 2025-01-01T00:00:00Z. Any fixed moment does; the same one in every render. */
const EPOCH = Date.UTC(2025, 0, 1);
/** Between two looks at a page that is still loading, in milliseconds. */
const LOAD_POLL_MS = 10;
/** Between two looks at a page that waits for its workers, in milliseconds. */
const WORKER_POLL_MS = 2;
/** Frames of the browser in one frame of the video, at most: observers may change what they observe. */
const MAX_OWN_FRAMES = 5;
/** How long the browser may take to tell of the failure of a worker that the page knows of. */
const FAILURE_MS = 1000;
/** How often all documents are settled for one frame, at most: they may send each other messages for ever. */
const MAX_ROUNDS = 100;

/** The page needs what was left out of frames that nobody sees: it is to be opened again, and to draw all. */
export class UnseenDrawingError extends Error {
  override readonly name = 'UnseenDrawingError';
}

/**
 * The composition in the browser: loaded, with our clock in every document, moved from frame to
 * frame. A failure of the page (an exception, a missing file, a crash) fails the scope at once.
 */
export class PageSession {
  readonly #targets: PageTargets;
  readonly #network: NetworkWatch;
  readonly #reporter: PageReporter;
  readonly #garbage: GarbageCollection;
  /** In which order answers of the network reach the page. */
  readonly order: ResponseOrder;
  readonly frames: PageFrames;
  #mainRequest: string | undefined;
  /** The address, once frame 0 is ready. */
  #loaded: string | undefined;
  /** The frame that the page shows; undefined while it loads. */
  #frame: number | undefined;
  #resting: Promise<unknown> = Promise.resolve();
  /** Whether the page has a context of WebGL, or had one. */
  usesWebGl = false;
  /** Whether nothing is left out of frames that nobody sees. */
  drawsUnseen = false;

  private constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
  ) {
    this.#network = new NetworkWatch((failure) => this.#onMissingAsset(failure));
    this.#reporter = new PageReporter(scope);
    this.#garbage = new GarbageCollection(session, scope);
    this.order = new ResponseOrder(session, () => this.#atRest());
    const config = {
      fps: options.fps,
      view: { width: options.width, height: options.height },
      props: options.inputProps,
      seed: options.randomSeed,
      epoch: EPOCH,
      allowMissingAssets: options.allowMissingAssets,
    };
    this.#targets = new PageTargets(
      session,
      options,
      config,
      (client, kind) => {
        this.#network.watch(client);
        this.#reporter.watch(client);
        return this.order.watch(client, kind);
      },
      (url) => this.#network.workerStarts(url),
    );
    this.frames = new PageFrames(session, scope, options, this.#targets);
    this.#listen();
  }

  /** Prepares the empty page: listeners, the clock for every document and worker, the view's size. */
  static async open(session: BrowserSession, scope: JobScope, options: ResolvedOptions): Promise<PageSession> {
    const page = new PageSession(session, scope, options);
    await scope.wait(page.#targets.open(), options.deadlines.launch, 'the page to be prepared');
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
    await this.scope.wait(this.#untilDelivered(), load, () => this.#stillLoading(url));
    if (this.session.beginFrameControl) await this.frames.first(load);
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

  /**
   * Takes the page to frame n: the next one, or a later one where its picture is a function of the
   * time alone. On the way to a later one all timers run, and animations and frame callbacks see some
   * moments, but not every frame. Where it is there already, nothing happens. What WebGL draws in
   * one that nobody sees (`passed`) is left out. Throws an UnseenDrawingError when something of that is needed.
   */
  async step(frame: number, deadlineMs: number, fate: FrameFate = 'shown'): Promise<void> {
    if (frame === this.#frame) return;
    const from = this.#frame ?? -1;
    this.#frame = frame;
    await this.#garbage.collectInTime(deadlineMs);
    const drawn = fate === 'passed' && this.drawsUnseen ? 'taken' : fate;
    let outcome = await this.#run(`step(${frame}, ${from}, '${drawn}')`, deadlineMs);
    outcome = await this.#untilQuiet(outcome, deadlineMs);
    // Observers of layout are called in a frame of the browser's own; view transitions begin, and what can be seen now
    // is asked for, in one.
    let wanted = outcome.observes || outcome.photographs;
    for (let made = 0; wanted && made < MAX_OWN_FRAMES; made++) {
      const { begun } = this.#network;
      await this.frames.make(outcome.photographs === true, deadlineMs);
      outcome = await this.#untilQuiet(await this.#settleOnce(deadlineMs), deadlineMs);
      const isHalf = outcome.skipsLayout && made === 0;
      wanted = outcome.observed > 0 || outcome.photographs || this.#network.begun > begun || isHalf;
    }
  }

  /** Timers that are due at once run while a page loads: scripts start themselves with them. */
  async #untilLoaded(loaded: Promise<void>): Promise<void> {
    let done = false;
    void loaded.then(() => {
      done = true;
    });
    while (!done && !this.scope.signal.aborted) {
      // Never longer than until the load: what then still holds the clock is waited for by its own name.
      if (!this.order.isAtWork) await Promise.race([loaded, this.#atRest()]);
      await Promise.race([loaded, setTimeout(LOAD_POLL_MS)]);
    }
  }

  /** Resolves when the page has every answer, and has made no new request of it. */
  async #untilDelivered(): Promise<void> {
    for (let made = -1; made !== this.order.made && !this.scope.signal.aborted;) {
      ({ made } = this.order);
      await this.#atRest();
      await this.order.drained();
    }
  }

  /**
   * Resolves when the page has nothing more to do unless the network has something for it, to whether it may hear of it
   * when a picture comes. One at a time.
   */
  #atRest(): Promise<{ hears: boolean }> {
    const rest = this.#resting.then(async () => {
      let hears = true;
      for (let isAgain = true; isAgain && !this.scope.signal.aborted;) {
        if (this.order.workersLoad) await this.#targets.evaluateWorkers('atRest()');
        const rests = await this.#targets.evaluateAll<Rest>('atRest()');
        hears = rests.some((each) => each.hears);
        // A worker that waits for nothing will answer.
        const isAtWork = rests.some(({ blocked }) => blocked) && !this.order.workersLoad;
        if (isAtWork) await setTimeout(WORKER_POLL_MS);
        isAgain = isAtWork || (rests.some(({ busy }) => busy) && this.#targets.count > 1);
      }
      return { hears };
    });
    this.#resting = rest.catch(() => {});
    return rest;
  }

  /** Waits until the page and the network have nothing more to do at the present virtual time. */
  async settle(deadlineMs: number): Promise<void> {
    await this.#untilQuiet(await this.#settleOnce(deadlineMs), deadlineMs);
  }

  /** Settles all documents again for as long as files load, trees are found, or one may have sent something to another. */
  async #untilQuiet(outcome: Outcome, deadlineMs: number): Promise<Outcome> {
    let total = outcome;
    let again = this.#targets.crossesOrigins;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (this.#network.loading.length > 0) {
        const list = () => `${this.#network.loading.map(shortUrl).join(', ')} to load`;
        await this.scope.wait(this.#network.idle(), deadlineMs, list);
        // What has loaded is put to use, which may need more files.
      } else if (total.hidesRoots) {
        await this.scope.wait(this.#targets.adoptShadowRoots(), deadlineMs, 'the page to tell of its shadow trees');
      } else if (!again && !(total.again && this.#targets.count > 1)) break;
      again = false;
      const next = await this.#settleOnce(deadlineMs);
      total = { ...next, observed: total.observed + next.observed };
    }
    return total;
  }

  #settleOnce(deadlineMs: number): Promise<Outcome> {
    return this.#run(`settle(${this.#frame ?? ''})`, deadlineMs);
  }

  async #run(call: string, deadlineMs: number): Promise<Outcome> {
    const waitingFor = 'the page to be ready (a script that does not end, or a promise given to genlock.waitUntil?)';
    const outcomes = await this.scope.wait(this.#targets.evaluateAll<Outcome>(call), deadlineMs, waitingFor);
    // Who is told of it at a later frame would look for it there.
    if (outcomes.some(({ failed }) => failed)) {
      const { signal } = this.scope;
      await this.scope.wait(setTimeout(FAILURE_MS, undefined, { signal }), deadlineMs, 'word of a worker that failed');
    }
    if (outcomes.some(({ lacks }) => lacks)) throw new UnseenDrawingError();
    this.usesWebGl ||= outcomes.some(({ webgl }) => webgl);
    this.frames.hasVideos = outcomes.some(({ videos }) => videos);
    return {
      again: outcomes.some(({ again }) => again),
      observes: outcomes.some(({ observes }) => observes),
      skipsLayout: outcomes.some(({ skipsLayout }) => skipsLayout),
      photographs: outcomes.some(({ photographs }) => photographs),
      hidesRoots: outcomes.some(({ hidesRoots }) => hidesRoots),
      observed: outcomes.reduce((sum, { observed }) => sum + observed, 0),
    };
  }

  #stillLoading(url: string): string {
    const list = this.#network.loading.filter((loading) => loading !== url);
    return `${shortUrl(url)} to load${list.length > 0 ? ` (still loading: ${list.map(shortUrl).join(', ')})` : ''}`;
  }

  #listen(): void {
    const { client } = this.session;
    client.on('Page.frameNavigated', ({ frame }) => {
      // A redirect while it loads is the page's way; later, a new document would start at time 0 again.
      if (frame.parentId !== undefined || this.#loaded === undefined) return;
      const reason = `the page went to ${shortUrl(frame.url)} while it was being rendered`;
      this.scope.fail(new NavigationError(this.#loaded, reason, { ...this.scope.position }));
    });
    client.on('Network.requestWillBeSent', ({ requestId, type }) => {
      if (type === 'Document') this.#mainRequest ??= requestId;
    });
    // Nobody is there to answer a dialog, and it would stop the page.
    client.on('Page.javascriptDialogOpening', ({ type }) => {
      void this.session.send('Page.handleJavaScriptDialog', { accept: type === 'alert' || type === 'beforeunload' });
    });
  }

  #onMissingAsset({ url, reason, type, requestId }: NetworkFailure): void {
    const position = { ...this.scope.position };
    if (requestId === this.#mainRequest) {
      this.scope.fail(new NavigationError(url, typeof reason === 'number' ? `HTTP ${reason}` : reason, position));
      return;
    }
    const error = new AssetError(url, reason, type, position);
    if (this.options.allowMissingAssets)
      this.scope.emit({ type: 'warning', message: error.message, ...this.#reporter.place() });
    else this.scope.fail(error);
  }

  #fail(error: Error): never {
    this.scope.fail(error);
    throw this.scope.signal.reason;
  }
}
