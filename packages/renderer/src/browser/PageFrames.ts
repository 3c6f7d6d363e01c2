import { setTimeout } from 'node:timers/promises';
import type { Protocol } from './Connection.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import type { VideoNews } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import type { PageContexts } from './PageContexts.js';

type Parameters = Omit<Protocol.HeadlessExperimental.BeginFrameRequest, 'frameTimeTicks' | 'interval'>;

/**
 * The tick of the first issued frame. Ticks must be later than the page's own time origin, or nothing is ever drawn.
 */
const FIRST_TICK = 1e9;
/**
 * The time between the ticks of captured frames: the capturer skips frames that come faster than it expects of a
 * screen.
 */
const CAPTURE_TICK_MS = 300;
/** How many frames a page sees before frame 0: in the first one it is laid out, in the next one animations begin. */
const FIRST_FRAMES = 2;
/**
 * How many changed frames are drawn for one frame of the video, at most, until the page's videos are up to date in it.
 */
const MAX_DRAWN = 5;
/**
 * A video that comes into view gets a surface, and the page's picture waits for it, which takes a while on a busy
 * machine. The picture counts as complete after this many unchanged frames in a row, with this pause between them.
 */
const APPEARING = { frames: 20, pauseMs: 5 };
/** How many frames a browser without begin-frame control needs until a video that came into view is in the picture. */
const VIDEO_FRAMES = 2;

/**
 * The browser's own frames, in which the page is laid out and drawn. With begin-frame control they are issued one by
 * one, at ticks that have nothing to do with the page's time. Without it, the browser's next frame is awaited.
 */
export class PageFrames {
  /** Whether there are videos on the page. A video has a surface of its own, which is updated after the page's. */
  hasVideos = false;
  #tick = FIRST_TICK;

  constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
    readonly contexts: PageContexts,
  ) {}

  /**
   * Issues the frames before frame 0. Lazy pictures and observers wait for the first layout in a frame, and animations
   * begin, or report that, one frame later. Until the page's compositor has asked the browser for frames, the browser
   * completes frames without the page. So frames are issued until the page has seen two, and then one more.
   */
  async first(deadlineMs: number): Promise<void> {
    for (let frame = 0; frame < FIRST_FRAMES; frame++) {
      const seen = this.contexts.evaluate('realFrame()');
      await this.#until(seen, () => this.begin(false, deadlineMs), deadlineMs, 'the page to see a frame');
    }
    await this.begin(false, deadlineMs);
  }

  /** Makes one frame, in any browser; draws it if `drawn`. */
  async make(drawn: boolean, deadlineMs: number): Promise<void> {
    if (this.session.beginFrameControl) await (drawn ? this.draw(deadlineMs) : this.begin(false, deadlineMs));
    else if (drawn) await this.screenshot(deadlineMs);
    else await this.own(deadlineMs);
  }

  /** Issues a frame. With `picture` it is drawn as a PNG, which is returned unless the browser made none. */
  async begin(picture: boolean, deadlineMs: number): Promise<Buffer | undefined> {
    if (picture && this.hasVideos) await this.draw(deadlineMs);
    const { screenshotData } = await this.#issue(
      (1000 * this.options.fps.den) / this.options.fps.num,
      picture ? { screenshot: { format: 'png', optimizeForSpeed: true } } : { noDisplayUpdates: true },
      deadlineMs,
    );
    return screenshotData ? this.session.browser.takeBytes(screenshotData) : undefined;
  }

  /**
   * Draws a frame that can then be captured. Returns the time just before, of the system's monotonic clock in
   * nanoseconds; undefined if nothing has changed since the last frame.
   */
  async draw(deadlineMs: number): Promise<bigint | undefined> {
    let drawn: bigint | undefined;
    let changed = 0;
    let unchanged = 0;
    let unchangedNeeded = 1;
    // The picture on a video's surface may come a frame late: it is there once nothing changes any more.
    while (changed < MAX_DRAWN && unchanged < unchangedNeeded) {
      if (unchanged > 0) await setTimeout(APPEARING.pauseMs);
      const news = this.hasVideos ? await this.#presentVideos(deadlineMs) : 'none';
      if (news === 'appeared') unchangedNeeded = APPEARING.frames;
      const since = process.hrtime.bigint();
      const { hasDamage } = await this.#issue(CAPTURE_TICK_MS, {}, deadlineMs);
      if (hasDamage) drawn = since;
      if (!this.hasVideos) break;
      if (hasDamage || news !== 'none') {
        changed++;
        unchanged = 0;
      } else unchanged++;
    }
    return drawn;
  }

  /** Draws frames until a promise that depends on them settles. */
  drawUntil<T>(promise: Promise<T>, waitingFor: string): Promise<T> {
    const { load } = this.options.deadlines;
    return this.#until(promise, () => this.draw(load), load, waitingFor);
  }

  /** Waits for the next frame of a browser without begin-frame control: layout and animation events happen in it. */
  async own(deadlineMs: number): Promise<void> {
    await this.scope.wait(this.contexts.evaluateAll('realFrame()'), deadlineMs, 'the browser to draw a frame');
  }

  /** Takes a picture of the current page in a browser without begin-frame control. */
  async screenshot(deadlineMs: number): Promise<Buffer> {
    for (let made = 0; this.hasVideos && made < VIDEO_FRAMES; made++) {
      await this.#presentVideos(deadlineMs);
      await this.own(deadlineMs);
    }
    const { data } = await this.scope.wait(
      this.session.send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: true }),
      deadlineMs,
      'the browser to draw a frame',
    );
    return this.session.browser.takeBytes(data);
  }

  /** Has the page present its videos. Returns what has changed about them since the last call. */
  async #presentVideos(deadlineMs: number): Promise<VideoNews> {
    const presenting = this.contexts.evaluateAll<VideoNews>('presentVideos()');
    const news = await this.scope.wait(presenting, deadlineMs, 'the page to present its videos');
    return (['appeared', 'changed'] as const).find((one) => news.includes(one)) ?? 'none';
  }

  /** Makes frames until a promise settles. */
  async #until<T>(
    promise: Promise<T>,
    make: () => Promise<unknown>,
    deadlineMs: number,
    waitingFor: string,
  ): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    const making = async () => {
      while (!settled && !this.scope.signal.aborted) await make();
      return promise;
    };
    return this.scope.wait(making(), deadlineMs, waitingFor);
  }

  /**
   * Issues the next frame, `interval` milliseconds after the previous one. Before it, documents in processes of their
   * own must have received each other's messages: one that took part in a frame before it knew that it is visible would
   * draw nothing, and the page would wait for its picture for ever.
   */
  async #issue(
    interval: number,
    parameters: Parameters,
    deadlineMs: number,
  ): Promise<Protocol.HeadlessExperimental.BeginFrameResponse> {
    if (this.contexts.spansProcesses)
      await this.scope.wait(this.contexts.sync(), deadlineMs, "the page's documents to receive each other's messages");
    this.#tick += interval;
    return this.scope.wait(
      this.session.send('HeadlessExperimental.beginFrame', { frameTimeTicks: this.#tick, interval, ...parameters }),
      deadlineMs,
      'the browser to draw a frame',
    );
  }
}
