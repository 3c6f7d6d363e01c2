import { NavigationError, shortUrl, ToolError, positionPrefix } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { messageOf } from '../unknowns.js';
import type { FrameUse, Outcome } from '../page/index.js';
import { splitLogin } from '../redact.js';
import type { BrowserSession } from './BrowserSession.js';
import { GarbageCollection } from './GarbageCollection.js';
import { NetworkWatch } from './NetworkWatch.js';
import { NewAnimations } from './NewAnimations.js';
import { OwnDocument } from './OwnDocument.js';
import { PageFiles } from './PageFiles.js';
import { PageFrames } from './PageFrames.js';
import { PageRefreshes, type Refresh } from './PageRefreshes.js';
import { PageReporter } from './PageReporter.js';
import { PageRest } from './PageRest.js';
import { PageSettler } from './PageSettler.js';
import { PageTargets } from './PageTargets.js';
import { OWN_REQUEST } from './pausedRequests.js';
import type { NetworkFailure } from './requests.js';
import { ResponseOrder } from './ResponseOrder.js';

/**
 * What `Date` shows at frame 0: 2025-01-01T00:00:00Z. Any moment would do, as long as every render has the same one.
 */
const EPOCH = Date.UTC(2025, 0, 1);
/** How many times the page may redirect to another document before frame 0. */
const MAX_REDIRECTS = 20;

/**
 * The composition in the browser: loaded, with our clock in every document, and moved from frame to frame. A failure of
 * the page (an exception, a missing file, a crash) fails the scope at once.
 */
export class PageSession {
  readonly #targets: PageTargets;
  readonly #network: NetworkWatch;
  readonly #garbage: GarbageCollection;
  readonly #files: PageFiles;
  readonly #newAnimations: NewAnimations;
  readonly #rest: PageRest;
  readonly #settler: PageSettler;
  readonly #document: OwnDocument;
  /** Delivers the network's answers to the page in a fixed order. */
  readonly order: ResponseOrder;
  readonly frames: PageFrames;
  readonly refreshes: PageRefreshes;
  /** Whether the page may go on to another document as its markup says. False if we have something in its first one. */
  followsRefreshes = true;
  /** The page's address, once frame 0 is ready. */
  #loaded: string | undefined;
  /** The frame that the page is at; undefined while it loads. */
  #frame: number | undefined;
  /** Whether the page has, or had, a WebGL context. */
  usesWebGl = false;
  /** What the page has asked of WebGPU and has not got. */
  webgpu: Outcome['webgpu'];
  /** Whether WebGL is drawn even in undrawn frames. */
  drawsAllWebGl = false;

  private constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
  ) {
    const currentFrame = () => this.#frame;
    const reporter = new PageReporter(scope);
    this.#network = new NetworkWatch((failure) => this.#onMissingFile(failure));
    this.#garbage = new GarbageCollection(session, scope);
    this.#document = new OwnDocument(session);
    this.#newAnimations = new NewAnimations(session);
    this.order = new ResponseOrder(session, () => this.#rest.atRest());
    const config = {
      fps: options.fps,
      view: { width: options.width, height: options.height },
      props: options.inputProps,
      seed: options.randomSeed,
      epoch: EPOCH,
      allowMissingAssets: options.allowMissingAssets,
      webgpu: options.webgpu,
      ownRequest: OWN_REQUEST,
    };
    this.#targets = new PageTargets(
      session,
      options,
      config,
      (client, kind) => {
        this.#network.watch(client);
        reporter.watch(client, kind);
        this.refreshes.watch(client);
        this.#newAnimations.watch(client);
        return this.order.watch(client, kind);
      },
      (url) => this.#network.workerStarts(url),
    );
    const { contexts } = this.#targets;
    this.#files = new PageFiles(scope, options, this.#network, contexts);
    reporter.onFailedLoad = (message) => this.#files.onUnhandledFailure(message);
    this.#network.onMedia = (url) => this.#files.checkMedia(url);
    this.#network.onGivenUp = (requestId) => this.order.giveUp(requestId);
    this.#rest = new PageRest(scope, contexts, this.order, this.#network);
    this.frames = new PageFrames(session, scope, options, contexts);
    this.refreshes = new PageRefreshes(options, contexts, currentFrame);
    this.#settler = new PageSettler(scope, {
      contexts,
      network: this.#network,
      files: this.#files,
      frames: this.frames,
      currentFrame,
      onOutcomes: (outcomes) => this.#noteFeatures(outcomes),
    });
    this.#listen();
  }

  /** Prepares the empty page: listeners, the clock for every document and worker, the size of the view. */
  static async open(session: BrowserSession, scope: JobScope, options: ResolvedOptions): Promise<PageSession> {
    const page = new PageSession(session, scope, options);
    await scope.wait(page.#targets.open(), options.deadlines.launch, 'the page to be prepared');
    return page;
  }

  /** Loads the address and waits until everything that frame 0 needs is there. */
  async load(url: string): Promise<void> {
    const { load } = this.options.deadlines;
    this.#network.login = splitLogin(url).login;
    await this.#open(url, load);
    // The page may redirect at once. One that redirects to itself would do so for ever.
    let address = url;
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const next = this.refreshes.takeDue(0)?.url;
      if (next === undefined || next === address) break;
      address = next;
      await this.#open(address, load);
    }
    if (this.webgpu !== 'wanted') this.#loaded = url;
  }

  async #open(url: string, load: number): Promise<void> {
    this.refreshes.clear();
    this.#document.begin();
    const { errorText } = await this.scope.wait(
      this.session.send('Page.navigate', { url }),
      load,
      `the answer of ${shortUrl(url)}`,
    );
    if (errorText === 'net::ERR_ABORTED') await this.#untilAlive(load);
    if (errorText) this.#fail(new NavigationError(url, errorText, { ...this.scope.position }));
    const stillLoading = (underWay: readonly string[]) => {
      const list = underWay.filter((loading) => loading !== shortUrl(url));
      return `${shortUrl(url)} to load${list.length > 0 ? ` (still loading: ${list.join(', ')})` : ''}`;
    };
    // A page that has loaded may navigate to another document: the one that stays is the page.
    let loads: number;
    do {
      await this.#settler.wait(this.#untilLoaded(), load, stillLoading);
      ({ loads } = this.#document);
      if (this.webgpu === 'wanted') return;
      await this.#settler.wait(this.#rest.untilDelivered(), load, stillLoading);
      if (this.session.beginFrameControl) await this.frames.first(load);
      await this.settle(load);
    } while (this.#document.isLoading || this.#document.loads !== loads);
  }

  /** Every address that the page has read, and whether reading them again would give the same answers. */
  get files(): NetworkWatch['files'] {
    return this.#network.files;
  }

  /**
   * Checks that the page still answers. When its process dies, the load ends before the browser reports the crash:
   * then this waits for that report, which fails the scope.
   */
  async #untilAlive(deadlineMs: number): Promise<void> {
    const answer = this.session.send('Runtime.evaluate', { expression: '0' });
    await this.scope.wait(
      answer.catch(() => never<unknown>()),
      deadlineMs,
      'the page to answer',
    );
  }

  /**
   * Takes the page to a frame: the next one, or a later one if its picture depends on the time alone. On the way to a
   * later frame all timers run, but animations and frame callbacks see only some of the moments in between. Does
   * nothing if the page is there already. `frameUse` says what the frame is used for: in an undrawn one WebGL
   * is not drawn. Throws a SkippedDrawingError if the page needs some of that drawing.
   */
  async step(frame: number, deadlineMs: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    if (frame === this.#frame) return;
    for (let due = this.refreshes.takeDue(frame); due; due = this.refreshes.takeDue(frame)) {
      if (!this.followsRefreshes) this.#fail(this.#navigatedAway(due.url));
      await this.#followRefresh(due, deadlineMs, due.frame === frame ? frameUse : 'undrawn');
    }
    if (frame !== this.#frame) await this.#stepTo(frame, deadlineMs, frameUse);
  }

  /** Waits until the page and the network have nothing more to do at the current virtual time. */
  settle(deadlineMs: number): Promise<void> {
    return this.#settler.settle(deadlineMs);
  }

  /** Takes the page to the frame of a refresh, and there to the other document. */
  async #followRefresh({ frame, url }: Refresh, deadlineMs: number, frameUse: FrameUse): Promise<void> {
    await this.#stepTo(frame, deadlineMs, 'undrawn');
    const address = this.#loaded;
    this.#loaded = undefined;
    const { num, den } = this.options.fps;
    const moment = { frame, now: (frame * den * 1000) / num, started: false };
    await this.scope.wait(this.#targets.beginAt(moment), deadlineMs, 'the next document to be prepared');
    await this.#open(url, this.options.deadlines.load);
    this.#loaded = address;
    // The new document begins in this frame.
    const outcome = await this.#settler.run(`step(${frame}, ${frame}, '${frameUse}')`, deadlineMs);
    await this.#settler.untilDrawable(outcome, deadlineMs);
  }

  async #stepTo(frame: number, deadlineMs: number, frameUse: FrameUse): Promise<void> {
    const from = this.#frame ?? -1;
    this.#frame = frame;
    await this.#garbage.collectInTime(deadlineMs);
    const drawn = frameUse === 'undrawn' && this.drawsAllWebGl ? 'read' : frameUse;
    const lists = await this.scope.wait(this.#newAnimations.take(), deadlineMs, 'the browser to name new animations');
    const outcome = await this.#settler.run(`step(${frame}, ${from}, '${drawn}', ${lists})`, deadlineMs);
    await this.#settler.untilDrawable(outcome, deadlineMs);
  }

  async #untilLoaded(): Promise<void> {
    if (!this.#document.isLoading) return;
    const makeFrame = async () => {
      if (!this.session.beginFrameControl || this.#network.loading.length > 0) return;
      await this.frames.begin(false, this.options.deadlines.load);
    };
    this.webgpu ??= await this.#rest.untilLoaded(this.#document.loaded(), makeFrame);
  }

  /** Takes note of the features of the browser that the documents use. */
  #noteFeatures(outcomes: readonly Outcome[]): void {
    this.webgpu ??= outcomes.find(({ webgpu }) => webgpu)?.webgpu;
    if (this.webgpu === 'wanted' && this.#loaded !== undefined) {
      const advice = 'browserConfig.args: ["--enable-unsafe-webgpu"] (--browser-arg) enables it from the start';
      const message = `the page asks for WebGPU only now; while it loaded it would have got it: ${advice}`;
      this.#fail(new ToolError(`${positionPrefix(this.scope.position)}${message}`, { ...this.scope.position }));
    }
    this.usesWebGl ||= outcomes.some(({ webgl }) => webgl);
    this.frames.hasVideos = outcomes.some(({ videos }) => videos);
    this.#newAnimations.givesAll ||= outcomes.some(({ stylesParts }) => stylesParts === true);
    this.#newAnimations.known = outcomes.reduce((sum, { animations = 0 }) => sum + animations, 0);
  }

  #listen(): void {
    const { client } = this.session;
    client.on('Page.frameNavigated', ({ frame }) => {
      // While the page loads, it may redirect. Later, a new document would start at time 0 again.
      if (frame.parentId !== undefined || this.#loaded === undefined) return;
      this.scope.fail(this.#navigatedAway(frame.url));
    });
    this.#document.listen();
    // A dialog would block the page, and there is nobody to answer it.
    client.on('Page.javascriptDialogOpening', ({ type }) => {
      const accept = type === 'alert' || type === 'beforeunload';
      this.session.send('Page.handleJavaScriptDialog', { accept }).catch((error: unknown) => {
        // The dialog may have disappeared with its document.
        if (!/no dialog/i.test(messageOf(error))) this.scope.fail(error);
      });
    });
  }

  #onMissingFile(failure: NetworkFailure): void {
    const { url, reason, requestId } = failure;
    const position = { ...this.scope.position };
    // The page's policy may forbid our own worker: then its frames are captured in another way.
    if (url.endsWith(this.session.ownWorker)) return;
    if (this.#document.hasRequest(requestId)) {
      this.scope.fail(new NavigationError(url, typeof reason === 'number' ? `HTTP ${reason}` : reason, position));
      return;
    }
    this.#files.onMissing(failure);
  }

  #navigatedAway(url: string): NavigationError {
    const reason = `the page went to ${shortUrl(url)} while it was being rendered`;
    return new NavigationError(this.#loaded ?? url, reason, { ...this.scope.position });
  }

  #fail(error: Error): never {
    this.scope.fail(error);
    throw this.scope.signal.reason;
  }
}
