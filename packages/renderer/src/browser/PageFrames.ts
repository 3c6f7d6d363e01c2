import { setTimeout } from 'node:timers/promises';
import type { Protocol } from './Connection.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import type { VideoNews } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import type { PageTargets } from './PageTargets.js';

type Parameters = Omit<Protocol.HeadlessExperimental.BeginFrameRequest, 'frameTimeTicks' | 'interval'>;

/** The ticks of issued frames must lie ahead of the page's own time origin, or nothing is ever drawn. */
const FIRST_TICK = 1e9;
/** Between the ticks of captured frames: a capturer leaves some out that come faster than it believes screens to be. */
const CAPTURE_TICK_MS = 300;
/** Frames that a page sees before frame 0: in the first one it is laid out, in the next one animations begin. */
const FIRST_FRAMES = 2;
/** Frames that are drawn for one of the video until its videos are in it, at most. */
const MAX_DRAWN = 5;
/**
 * A video that comes into view gets a surface, which the page's picture waits for: on a busy machine a while. So many
 * frames in a row, with so many milliseconds between them, must change nothing before the picture counts as whole.
 */
const APPEARING = { frames: 20, pauseMs: 5 };
/** Frames of a browser that draws by itself until a video that has come into view is in the picture. */
const VIDEO_FRAMES = 2;

/**
 * The browser's own frames, in which the page is laid out and drawn: issued one by one where the browser
 * lets us, each at a tick of its own, as the page's time is not theirs; waited for where it draws by itself.
 */
export class PageFrames {
  /** Whether there are videos on the page. A video has a surface of its own, which follows the page's. */
  hasVideos = false;
  #tick = FIRST_TICK;

  constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
    readonly targets: PageTargets,
  ) {}

  /**
   * Lazy pictures and observers wait for the first layout in a frame, and animations begin, or tell of
   * it, one frame after it. Until the page's compositor has told the browser that it wants frames, the
   * browser answers them without the page having taken part: they are issued until the page has seen
   * one, and another one, and one more.
   */
  async first(deadlineMs: number): Promise<void> {
    for (let frame = 0; frame < FIRST_FRAMES; frame++) {
      const seen = this.targets.evaluate('realFrame()');
      await this.#until(seen, () => this.begin(false, deadlineMs), deadlineMs, 'the page to see a frame');
    }
    await this.begin(false, deadlineMs);
  }

  /** Makes one frame in any browser, which is drawn where that is needed. */
  async make(drawn: boolean, deadlineMs: number): Promise<void> {
    if (this.session.beginFrameControl) await (drawn ? this.draw(deadlineMs) : this.begin(false, deadlineMs));
    else if (drawn) await this.screenshot(deadlineMs);
    else await this.own(deadlineMs);
  }

  /** Lets the browser do a frame's work; with `picture` it draws, and returns the PNG if it made one. */
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
   * Lets the browser draw a frame for who captures it. Returns a moment of the system's monotonic clock
   * just before it, in nanoseconds; undefined when nothing has changed since the last one.
   */
  async draw(deadlineMs: number): Promise<bigint | undefined> {
    let drawn: bigint | undefined;
    let [made, unchanged, enough] = [0, 0, 1];
    // What is on a video's surface may come a frame late: it is there when nothing changes any more.
    while (made < MAX_DRAWN && unchanged < enough) {
      if (unchanged > 0) await setTimeout(APPEARING.pauseMs);
      const news = this.hasVideos ? await this.#presentVideos(deadlineMs) : 'none';
      if (news === 'appeared') enough = APPEARING.frames;
      const since = process.hrtime.bigint();
      const { hasDamage } = await this.#issue(CAPTURE_TICK_MS, {}, deadlineMs);
      if (hasDamage) drawn = since;
      if (!this.hasVideos) break;
      if (hasDamage || news !== 'none') {
        made++;
        unchanged = 0;
      } else unchanged++;
    }
    return drawn;
  }

  /** Draws frames until a promise of the browser settles that needs them. */
  drawUntil<T>(promise: Promise<T>, waitingFor: string): Promise<T> {
    const { load } = this.options.deadlines;
    return this.#until(promise, () => this.draw(load), load, waitingFor);
  }

  /** Waits for a frame of a browser that draws by itself: layout and animation events happen in it. */
  async own(deadlineMs: number): Promise<void> {
    await this.scope.wait(this.targets.evaluateAll('realFrame()'), deadlineMs, 'the browser to draw a frame');
  }

  /** A picture of the page as it stands, for browsers without begin-frame control. */
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

  /** What is new of the videos since this was last called. */
  async #presentVideos(deadlineMs: number): Promise<VideoNews> {
    const presenting = this.targets.evaluateAll<VideoNews>('presentVideos()');
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
   * Issues the next frame, `interval` milliseconds after the one before it. A document in a process of its
   * own that took part in it before it knew that it can be seen would draw nothing, and the page would wait
   * for its picture for ever: frames come one at a time.
   */
  async #issue(
    interval: number,
    parameters: Parameters,
    deadlineMs: number,
  ): Promise<Protocol.HeadlessExperimental.BeginFrameResponse> {
    if (this.targets.spansProcesses)
      await this.scope.wait(this.targets.hear(), deadlineMs, 'the documents of the page to hear of each other');
    this.#tick += interval;
    return this.scope.wait(
      this.session.send('HeadlessExperimental.beginFrame', { frameTimeTicks: this.#tick, interval, ...parameters }),
      deadlineMs,
      'the browser to draw a frame',
    );
  }
}
