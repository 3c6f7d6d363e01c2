import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import type { FrameUse } from '../page/index.js';
import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { FrameSource } from './FrameSource.js';

/** How often the browser is asked for a frame before it counts as unable to draw it. */
const ATTEMPTS = 3;

/** How many frames are drawn before a range: the first one settles the layers, the next one is like any other. */
export const SETTLING_FRAMES = 2;

/** The offset of the width in a PNG's header; the height follows it. */
const PNG_WIDTH = 16;

/** Takes a PNG of each frame, which is right on every page. Uses begin-frame control where the browser has it. */
export class ScreenshotSource implements FrameSource, AsyncDisposable {
  #next = 0;
  #jumped = false;
  #drewAll = true;
  /** The frames before the range that the page went through, and how long they took in all, in milliseconds. */
  readonly preroll = { undrawn: { frames: 0, ms: 0 }, drawn: { frames: 0, ms: 0 } };

  constructor(readonly page: PageSession) {}

  get format(): FrameFormat {
    return 'png';
  }

  get next(): number {
    return this.#next;
  }

  get jumped(): boolean {
    return this.#jumped;
  }

  /** Whether the page has drawn every frame from frame 0 on. */
  get drewAll(): boolean {
    return this.#drewAll && !this.#jumped;
  }

  async replay(frame: number, drawsAll = false): Promise<Buffer | undefined> {
    if (this.#next >= frame) return undefined;
    while (this.#next < frame - 1) {
      await this.#advancePreroll(this.#next, drawsAll || this.#next === 0 || this.#next >= frame - SETTLING_FRAMES);
    }
    await this.#seekTo(frame - 1);
    return this.picture(this.page.options.deadlines.seek);
  }

  async jump(frame: number): Promise<Buffer | undefined> {
    if (this.#next >= frame) return undefined;
    // Every page starts at frame 0, even if it jumps from there.
    if (this.#next === 0 && frame > SETTLING_FRAMES) await this.#advancePreroll(0, true);
    if (this.#next < frame - SETTLING_FRAMES) {
      this.#jumped = true;
      await this.#advancePreroll(frame - SETTLING_FRAMES, true);
    }
    return this.replay(frame);
  }

  /**
   * Takes the page through a frame before the range, drawn or undrawn. A compositor remembers what it drew: it keeps
   * the scale at which it first rastered a moving layer, and settles its layers on the first drawn frame. So frame 0
   * and the last frames before a range are drawn; in the others everything happens except drawing.
   */
  async #advancePreroll(frame: number, isDrawn: boolean): Promise<void> {
    const { seek } = this.page.options.deadlines;
    const start = performance.now();
    await this.#seekTo(frame, isDrawn ? 'drawn' : 'undrawn');
    if (isDrawn) await this.draw(seek);
    else {
      await this.page.frames.make(false, seek);
      this.#drewAll = false;
    }
    const sum = isDrawn ? this.preroll.drawn : this.preroll.undrawn;
    sum.frames++;
    sum.ms += performance.now() - start;
  }

  /** Takes the page to a frame before the range. */
  async #seekTo(frame: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    this.page.scope.position.frame = frame;
    await this.page.scope.step('seek');
    await this.page.step(frame, this.page.options.deadlines.seek, frameUse);
    this.#next = frame + 1;
  }

  /** Draws the current frame without taking a picture of it. */
  protected async draw(deadlineMs: number): Promise<void> {
    await this.page.frames.make(true, deadlineMs);
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  /** Releases what the source uses in addition to the page. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async capture(frame: number): Promise<Frame> {
    await this.advance(frame);
    return { kind: 'picture', png: await this.picture() };
  }

  /** Takes the page to the next frame, which is then drawn or captured. */
  protected async advance(frame: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    await this.page.step(frame, this.page.options.deadlines.capture, frameUse);
    this.#next = frame + 1;
  }

  async picture(deadlineMs = this.page.options.deadlines.capture): Promise<Buffer> {
    const { scope, session } = this.page;
    if (!session.beginFrameControl) return this.#checkSize(await this.page.frames.screenshot(deadlineMs));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const png = await this.page.frames.begin(true, deadlineMs);
      if (png) return this.#checkSize(png);
    }
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser drew no picture in ${ATTEMPTS} attempts`,
      { ...scope.position },
      'picture',
    );
  }

  /** Returns the picture if it has the size of the video. The raw pixels that are made from it do not state a size. */
  #checkSize(png: Buffer): Buffer {
    const { scope, options } = this.page;
    const [width, height] = [png.readUInt32BE(PNG_WIDTH), png.readUInt32BE(PNG_WIDTH + 4)];
    if (width === options.pixelWidth && height === options.pixelHeight) return png;
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser drew a picture of ${width}x${height} pixels instead of ` +
        `${options.pixelWidth}x${options.pixelHeight}: something has changed the size of the page's view`,
      { ...scope.position },
      'picture',
    );
  }
}
