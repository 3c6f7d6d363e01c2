import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import type { FrameUse } from '../page/index.js';
import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { FrameSource } from './FrameSource.js';

/** How often a frame that the browser did not draw is asked for again. */
const ATTEMPTS = 3;

/** So many frames are drawn before a range: the first one settles the layers, the next one is like any other. */
export const SETTLING = 2;

/** Where a PNG has its width, and after that its height: in the header of its first part. */
const PNG_WIDTH = 16;

/** A PNG of each frame: always right, on every page. With begin-frame control where the browser has it. */
export class ScreenshotSource implements FrameSource, AsyncDisposable {
  #next = 0;
  #jumped = false;
  #drewAll = true;
  /** Frames that are not in the video, and how long they took together, in milliseconds. */
  readonly passed = { undrawn: { frames: 0, ms: 0 }, drawn: { frames: 0, ms: 0 } };

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

  /** Whether the page has drawn every frame that it has seen, from frame 0 on. */
  get drewAll(): boolean {
    return this.#drewAll && !this.#jumped;
  }

  async replay(frame: number, drawsAll = false): Promise<Buffer | undefined> {
    if (this.#next >= frame) return undefined;
    while (this.#next < frame - 1) {
      await this.#pass(this.#next, drawsAll || this.#next === 0 || this.#next >= frame - SETTLING);
    }
    await this.#go(frame - 1);
    return this.picture(this.page.options.deadlines.seek);
  }

  async jump(frame: number): Promise<Buffer | undefined> {
    if (this.#next >= frame) return undefined;
    // A page starts at frame 0, wherever it goes from there.
    if (this.#next === 0 && frame > SETTLING) await this.#pass(0, true);
    if (this.#next < frame - SETTLING) {
      this.#jumped = true;
      await this.#pass(frame - SETTLING, true);
    }
    return this.replay(frame);
  }

  /**
   * Passes a frame that is not in the video. A compositor remembers what it drew: it keeps the scale
   * at which a moving layer was first rastered, and settles its layers on the first drawn frame. So
   * frame 0 and the last frames before a range are drawn; of the others, everything happens but the drawing.
   */
  async #pass(frame: number, isDrawn: boolean): Promise<void> {
    const { seek } = this.page.options.deadlines;
    const start = performance.now();
    await this.#go(frame, isDrawn ? 'drawn' : 'undrawn');
    if (isDrawn) await this.draw(seek);
    else {
      await this.page.frames.make(false, seek);
      this.#drewAll = false;
    }
    const sum = isDrawn ? this.passed.drawn : this.passed.undrawn;
    sum.frames++;
    sum.ms += performance.now() - start;
  }

  /** Takes the page to a frame that is not in the video. */
  async #go(frame: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    this.page.scope.position.frame = frame;
    await this.page.scope.step('seek');
    await this.page.step(frame, this.page.options.deadlines.seek, frameUse);
    this.#next = frame + 1;
  }

  /** Has the frame that the page shows drawn, for nobody. */
  protected async draw(deadlineMs: number): Promise<void> {
    await this.page.frames.make(true, deadlineMs);
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  /** Releases what the source holds beside the page. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async capture(frame: number): Promise<Frame> {
    await this.advance(frame);
    return { kind: 'picture', png: await this.picture() };
  }

  /** Takes the page to the next frame, which is then to be drawn or taken. */
  protected async advance(frame: number, frameUse: FrameUse = 'drawn'): Promise<void> {
    await this.page.step(frame, this.page.options.deadlines.capture, frameUse);
    this.#next = frame + 1;
  }

  async picture(deadlineMs = this.page.options.deadlines.capture): Promise<Buffer> {
    const { scope, session } = this.page;
    if (!session.beginFrameControl) return this.#ofItsSize(await this.page.frames.screenshot(deadlineMs));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const png = await this.page.frames.begin(true, deadlineMs);
      if (png) return this.#ofItsSize(png);
    }
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser drew no picture in ${ATTEMPTS} attempts`,
      { ...scope.position },
      'picture',
    );
  }

  /** The picture, if it has as many pixels as the video: what is made of it has no word for its size. */
  #ofItsSize(png: Buffer): Buffer {
    const { scope, options } = this.page;
    const [width, height] = [png.readUInt32BE(PNG_WIDTH), png.readUInt32BE(PNG_WIDTH + 4)];
    if (width === options.pixelWidth && height === options.pixelHeight) return png;
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser drew a picture of ${width}x${height} pixels, and not ` +
        `${options.pixelWidth}x${options.pixelHeight}: something has changed the size of the page's view`,
      { ...scope.position },
      'picture',
    );
  }
}
