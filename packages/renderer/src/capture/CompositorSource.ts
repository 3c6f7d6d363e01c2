import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { Taken } from './FrameTap.js';
import { i420FromPng } from './i420.js';
import { TapSource } from './TapSource.js';

/** How long a frame that was drawn may take to come: it takes 2 ms where nothing else runs. */
const PATIENCE_MS = 3000;
/** After so many frames that did not come, no more are waited for. */
const MAX_LOST = 3;

/**
 * The planes of each frame, straight from the browser's compositor. A frame that changes nothing is not
 * drawn. The first frame of each file is compared with its own screenshot: where the two differ, the capture is
 * opened once more; where they still do, frames are made from screenshots instead, and are still those that the
 * capture would have given.
 */
export class CompositorSource extends TapSource {
  /** Whether a frame of the present file has been taken and compared. */
  #begun = false;
  #distrusted = false;
  /** When the last frame was drawn that changed something; undefined before the first since the capture was opened. */
  #changed: bigint | undefined;
  /** Frames one after the other that did not come. */
  #lostFrames = 0;

  override get format(): FrameFormat {
    return 'i420';
  }

  override async begin(): Promise<void> {
    this.#begun = false;
    await super.begin();
  }

  override async capture(frame: number): Promise<Frame> {
    await this.advance(frame);
    if (this.#distrusted) return this.fromPicture(frame);
    if (!this.#begun) return this.#first(frame);
    const since = await this.#draw(this.deadline);
    if (since === undefined) return { kind: 'hold' };
    return this.#use(frame, await this.tap.take(frame, since, PATIENCE_MS));
  }

  /**
   * The frame of a screenshot may come too soon after the one before it for the capturer, which leaves it out and
   * would then keep an old one for as long as nothing changes: what is new is drawn for it before. And after a
   * screenshot the browser takes its next frame for a changed one: that one is drawn here.
   */
  override async picture(deadlineMs = this.deadline): Promise<Buffer> {
    // Nothing is captured any more.
    if (this.#distrusted) return super.picture(deadlineMs);
    await this.#draw(deadlineMs);
    const png = await super.picture(deadlineMs);
    await this.page.frames.draw(deadlineMs);
    return png;
  }

  protected override async draw(deadlineMs: number): Promise<void> {
    await this.#draw(deadlineMs);
  }

  protected override pixelsOf(png: Buffer): Promise<Buffer> {
    return i420FromPng(png);
  }

  /** Draws what the page shows. Returns when that was; undefined where it changes nothing. */
  async #draw(deadlineMs: number): Promise<bigint | undefined> {
    const since = await this.page.frames.draw(deadlineMs);
    this.#changed = since ?? this.#changed;
    return since;
  }

  /** The first frame of a file, which is looked at before it is taken. */
  async #first(frame: number): Promise<Frame> {
    const png = await this.picture();
    let difference = await this.#difference(png);
    if (difference !== '') {
      // It may have missed what was drawn last. One that is opened now begins with that.
      this.#changed = undefined;
      difference = (await this.tap.captureTab()) || (await this.#difference(png));
    }
    if (difference === '') {
      this.#begun = true;
      return this.#use(frame, await this.tap.again(frame));
    }
    this.#distrust(`what the compositor gave differs from the screenshot (${difference})`);
    return this.fromPicture(frame, png);
  }

  /** How the newest frame of the capture differs from the screenshot; the empty string where it does not. */
  async #difference(png: Buffer): Promise<string> {
    const refusal = await this.tap.look(this.#changed, PATIENCE_MS);
    return refusal || this.tap.differenceFrom(png);
  }

  async #use(frame: number, taken: Taken | string): Promise<Frame> {
    if (typeof taken === 'string') return this.#lost(frame);
    this.#lostFrames = 0;
    return { kind: 'pixels', ...taken };
  }

  /** A frame that was drawn, and did not come. */
  #lost(frame: number): Promise<Frame> {
    this.#lostFrames++;
    if (this.#lostFrames >= MAX_LOST) this.#distrust(`the compositor has lost ${MAX_LOST} frames one after the other`);
    return this.fromPicture(frame);
  }

  #distrust(reason: string): void {
    this.#distrusted = true;
    this.warn(`frames are drawn by screenshot from here, which is slower: ${reason}`);
  }
}
