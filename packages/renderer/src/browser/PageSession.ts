import { setTimeout } from 'node:timers/promises';
import { NavigationError, shortUrl, ToolError, positionPrefix } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { wordsOf } from '../unknowns.js';
import type { FileFaults, FrameUse, Outcome } from '../page/index.js';
import { splitLogin } from '../redact.js';
import type { BrowserSession } from './BrowserSession.js';
import { GarbageCollection } from './GarbageCollection.js';
import { joinOutcomes } from './joinOutcomes.js';
import { NetworkWatch } from './NetworkWatch.js';
import { NewAnimations } from './NewAnimations.js';
import { OwnDocument } from './OwnDocument.js';
import { PageFiles } from './PageFiles.js';
import { PageFrames } from './PageFrames.js';
import { PageRefreshes, type Refresh } from './PageRefreshes.js';
import { PageReporter } from './PageReporter.js';
import { PageRest } from './PageRest.js';
import { PageTargets } from './PageTargets.js';
import { OWN_REQUEST } from './pausedRequests.js';
import type { NetworkFailure } from './requests.js';
import { ResponseOrder } from './ResponseOrder.js';
import { waitForPage } from './waitForPage.js';

/** What `Date` shows at frame 0: 2025-01-01T00:00:00Z. Any fixed moment does; the same one in every render. */
const EPOCH = Date.UTC(2025, 0, 1);
/** Frames of the browser in one frame of the video, at most: observers may change what they observe. */
const MAX_OWN_FRAMES = 5;
/** How long the browser may take to tell of the failure of a worker that the page knows of. */
const FAILURE_MS = 1000;
/** How often all documents are settled for one frame, at most: they may send each other messages for ever. */
const MAX_ROUNDS = 100;
/** How many documents may follow each other at once. */
const MAX_REDIRECTS = 20;

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
  readonly #files: PageFiles;
  /** What the documents last said of their files. */
  #faults: FileFaults[] = [];
  readonly #newAnimations: NewAnimations;
  /** In which order answers of the network reach the page. */
  readonly order: ResponseOrder;
  readonly #rest: PageRest;
  readonly frames: PageFrames;
  readonly refreshes: PageRefreshes;
  /** Whether the page may go on to another document as its markup says: where nothing of ours is in the first one. */
  followsRefreshes = true;
  readonly #document: OwnDocument;
  /** The address, once frame 0 is ready. */
  #loaded: string | undefined;
  /** The frame that the page shows; undefined while it loads. */
  #frame: number | undefined;
  /** Whether the page has a context of WebGL, or had one. */
  usesWebGl = false;
  /** What it has asked of WebGPU and not got. */
  webgpu: Outcome['webgpu'];
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
        this.#reporter.watch(client, kind);
        this.refreshes.watch(client);
        this.#newAnimations.watch(client);
        return this.order.watch(client, kind);
      },
      (url) => this.#network.workerStarts(url),
    );
    this.#files = new PageFiles(scope, options, this.#network, this.#targets);
    this.#reporter.onFailedLoad = (message) => this.#files.loadFailed(message);
    this.#network.onMedia = (url) => this.#files.media(url);
    this.#network.onGivenUp = (requestId) => this.order.giveUp(requestId);
    this.#rest = new PageRest(scope, this.#targets, this.order, this.#network);
    this.frames = new PageFrames(session, scope, options, this.#targets);
    this.refreshes = new PageRefreshes(options, this.#targets, () => this.#frame);
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
    this.#network.login = splitLogin(url).login;
    await this.#open(url, load);
    // It may say that it goes on at once. What calls itself again would do so for ever.
    for (let [hops, address] = [0, url]; hops < MAX_REDIRECTS; hops++) {
      const next = this.refreshes.takeDue(0)?.url;
      if (next === undefined || next === address) break;
      await this.#open((address = next), load);
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
    if (errorText === 'net::ERR_ABORTED') await this.#answer(load);
    if (errorText) this.#fail(new NavigationError(url, errorText, { ...this.scope.position }));
    const stillLoading = (underWay: readonly string[]) => {
      const list = underWay.filter((loading) => loading !== shortUrl(url));
      return `${shortUrl(url)} to load${list.length > 0 ? ` (still loading: ${list.join(', ')})` : ''}`;
    };
    // A page that has loaded may go on to another document: the one that stays is the page.
    let loads: number;
    do {
      await this.#wait(this.#untilLoaded(), load, stillLoading);
      ({ loads } = this.#document);
      if (this.webgpu === 'wanted') return;
      await this.#wait(this.#rest.untilDelivered(), load, stillLoading);
      if (this.session.beginFrameControl) await this.frames.first(load);
      await this.settle(load);
    } while (this.#document.isLoading || this.#document.loads !== loads);
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
  async step(frame: number, deadlineMs: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    if (frame === this.#frame) return;
    for (let due = this.refreshes.takeDue(frame); due; due = this.refreshes.takeDue(frame)) {
      if (!this.followsRefreshes) this.#fail(this.#gone(due.url));
      await this.#goOn(due, deadlineMs, due.frame === frame ? frameUse : 'undrawn');
    }
    if (frame !== this.#frame) await this.#stepTo(frame, deadlineMs, frameUse);
  }

  /** Takes the page to the frame of its refresh, and on to the other document. */
  async #goOn({ frame, url }: Refresh, deadlineMs: number, frameUse: FrameUse): Promise<void> {
    await this.#stepTo(frame, deadlineMs, 'undrawn');
    const first = this.#loaded;
    this.#loaded = undefined;
    const { num, den } = this.options.fps;
    const moment = { frame, now: (frame * den * 1000) / num, started: false };
    await this.scope.wait(this.#targets.beginAt(moment), deadlineMs, 'the next document to be prepared');
    await this.#open(url, this.options.deadlines.load);
    this.#loaded = first;
    // The document begins in this frame.
    const outcome = await this.#run(`step(${frame}, ${frame}, '${frameUse}')`, deadlineMs);
    await this.#untilDrawable(outcome, deadlineMs);
  }

  async #stepTo(frame: number, deadlineMs: number, frameUse: FrameUse): Promise<void> {
    const from = this.#frame ?? -1;
    this.#frame = frame;
    await this.#garbage.collectInTime(deadlineMs);
    const drawn = frameUse === 'undrawn' && this.drawsUnseen ? 'read' : frameUse;
    const lists = await this.scope.wait(this.#newAnimations.take(), deadlineMs, 'the browser to name new animations');
    const call = `step(${frame}, ${from}, '${drawn}', ${lists})`;
    await this.#untilDrawable(await this.#run(call, deadlineMs), deadlineMs);
  }

  async #untilLoaded(): Promise<void> {
    if (!this.#document.isLoading) return;
    const makeFrame = async () => {
      if (!this.session.beginFrameControl || this.#network.loading.length > 0) return;
      await this.frames.begin(false, this.options.deadlines.load);
    };
    this.webgpu ??= await this.#rest.untilLoaded(this.#document.loaded(), makeFrame);
  }

  /** Waits until nothing more changes in the present frame. */
  async #untilDrawable(stepped: Outcome, deadlineMs: number): Promise<void> {
    let outcome = await this.#untilQuiet(stepped, deadlineMs);
    // Observers of layout are called in a frame of the browser's own; view transitions begin, and what can be seen now
    // is asked for, in one.
    let wanted = outcome.hasObservers || outcome.needsSnapshots;
    for (let made = 0; wanted && made < MAX_OWN_FRAMES; made++) {
      const { begun } = this.#network;
      await this.frames.make(outcome.needsSnapshots === true, deadlineMs);
      outcome = await this.#untilQuiet(await this.#settleOnce(deadlineMs), deadlineMs);
      const isHalf = outcome.skipsLayout && made === 0;
      wanted = outcome.observerCalls > 0 || outcome.needsSnapshots || this.#network.begun > begun || isHalf;
    }
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
      } else if (!again && !total.hasPostponed && !(total.settleAgain && this.#targets.count > 1)) break;
      again = false;
      const goesOn = total.hasPostponed === true && this.#network.loading.length === 0;
      const next = await this.#settleOnce(deadlineMs, goesOn);
      total = { ...next, observerCalls: total.observerCalls + next.observerCalls };
    }
    await this.#files.judge(this.#faults, deadlineMs);
    return total;
  }

  #settleOnce(deadlineMs: number, goesOn = false): Promise<Outcome> {
    return this.#run(`settle(${this.#frame}, ${goesOn})`, deadlineMs);
  }

  async #run(call: string, deadlineMs: number): Promise<Outcome> {
    const outcomes = await this.#wait(this.#untilKept(call), deadlineMs, (known, told) => {
      const underWay = told ? known : ['a script that does not end', ...known];
      return `the page to be ready${underWay.length > 0 ? ` (still under way: ${underWay.join(', ')})` : ''}`;
    });
    // Who is told of it at a later frame would look for it there.
    if (outcomes.some(({ workerFailed }) => workerFailed)) {
      const { signal } = this.scope;
      await this.scope.wait(setTimeout(FAILURE_MS, undefined, { signal }), deadlineMs, 'word of a worker that failed');
    }
    if (outcomes.some(({ missesDrawing }) => missesDrawing)) throw new UnseenDrawingError();
    this.#faults = outcomes.flatMap(({ files }) => files ?? []);
    this.webgpu ??= outcomes.find(({ webgpu }) => webgpu)?.webgpu;
    if (this.webgpu === 'wanted' && this.#loaded !== undefined) {
      const advice = 'browserConfig.args: ["--enable-unsafe-webgpu"] (--browser-arg) has it from the start';
      const message = `the page asks for WebGPU only now, which it would have got while it loaded: ${advice}`;
      this.#fail(new ToolError(`${positionPrefix(this.scope.position)}${message}`, { ...this.scope.position }));
    }
    this.usesWebGl ||= outcomes.some(({ webgl }) => webgl);
    this.frames.hasVideos = outcomes.some(({ videos }) => videos);
    this.#newAnimations.givesAll ||= outcomes.some(({ stylesParts }) => stylesParts === true);
    this.#newAnimations.known = outcomes.reduce((sum, { animations = 0 }) => sum + animations, 0);
    return joinOutcomes(outcomes);
  }

  /**
   * Has all documents do something. Where nothing is left but promises that they have given us, all are urged to keep
   * them, again and again.
   */
  async #untilKept(call: string): Promise<Outcome[]> {
    let outcomes = await this.#evaluate(call);
    const isOver = () =>
      this.scope.signal.aborted || outcomes.some(({ workerFailed, missesDrawing }) => workerFailed || missesDrawing);
    while (outcomes.some(({ awaitsPromises }) => awaitsPromises) && !isOver()) {
      await this.#network.idle();
      const { observerCalls } = joinOutcomes(outcomes);
      outcomes = await this.#evaluate(`settle(${this.#frame}, true, true)`);
      if (outcomes[0]) outcomes[0].observerCalls += observerCalls;
    }
    return outcomes;
  }

  async #evaluate(call: string): Promise<Outcome[]> {
    const outcomes = await this.#targets.evaluateAll<Outcome>(call);
    for (const url of outcomes.flatMap(({ unstartedWorkers }) => unstartedWorkers ?? [])) this.#network.workerEnds(url);
    return outcomes;
  }

  #wait<T>(answer: Promise<T>, deadlineMs: number, say: Parameters<typeof waitForPage>[2]['say']): Promise<T> {
    return waitForPage(answer, deadlineMs, { scope: this.scope, targets: this.#targets, network: this.#network, say });
  }

  #listen(): void {
    const { client } = this.session;
    client.on('Page.frameNavigated', ({ frame }) => {
      // A redirect while it loads is the page's way; later, a new document would start at time 0 again.
      if (frame.parentId !== undefined || this.#loaded === undefined) return;
      this.scope.fail(this.#gone(frame.url));
    });
    this.#document.listen();
    // Nobody is there to answer a dialog, and it would stop the page.
    client.on('Page.javascriptDialogOpening', ({ type }) => {
      const accept = type === 'alert' || type === 'beforeunload';
      this.session.send('Page.handleJavaScriptDialog', { accept }).catch((error: unknown) => {
        // It may be gone with its document.
        if (!/no dialog/i.test(wordsOf(error))) this.scope.fail(error);
      });
    });
  }

  #onMissingAsset(failure: NetworkFailure): void {
    const { url, reason, requestId } = failure;
    const position = { ...this.scope.position };
    // The page may keep us from having a worker in it: there are other ways to its pictures.
    if (url.endsWith(this.session.ownWorker)) return;
    if (this.#document.asksBy(requestId)) {
      this.scope.fail(new NavigationError(url, typeof reason === 'number' ? `HTTP ${reason}` : reason, position));
      return;
    }
    this.#files.missing(failure);
  }

  #gone(url: string): NavigationError {
    const reason = `the page went to ${shortUrl(url)} while it was being rendered`;
    return new NavigationError(this.#loaded ?? url, reason, { ...this.scope.position });
  }

  #fail(error: Error): never {
    this.scope.fail(error);
    throw this.scope.signal.reason;
  }
}
