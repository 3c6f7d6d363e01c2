import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { CapturedBytes } from './FrameTap.js';
import { i420FromPng } from './i420.js';
import { TapSource } from './TapSource.js';

/** How long a drawn frame may take to arrive, in milliseconds. On an idle machine it takes 2. */
const ARRIVAL_MS = 3000;
/** After this many lost frames in a row, the capture is given up. */
const MAX_LOST = 3;

/**
 * Captures the planes of each frame directly from the browser's compositor. A frame that changes nothing is not drawn.
 * The first frame of each file is compared with a screenshot. If the two differ, the capture is restarted; if they
 * still differ, all frames are computed from screenshots, with the same pixels that the capture would have given.
 */
export class CompositorSource extends TapSource {
  /** Whether the first frame of the current file has been captured and compared. */
  #hasFirst = false;
  /** Whether the capture was given up: frames are computed from screenshots. */
  #gaveUp = false;
  /** When the last frame was drawn that changed something; undefined if nothing has changed since the capture began. */
  #lastChange: bigint | undefined;
  /** How many frames in a row did not arrive. */
  #lostFrames = 0;

  override get format(): FrameFormat {
    return 'i420';
  }

  override async begin(): Promise<void> {
    this.#hasFirst = false;
    await super.begin();
  }

  override async capture(frame: number): Promise<Frame> {
    await this.advance(frame);
    if (this.#gaveUp) return this.fromPicture(frame);
    if (!this.#hasFirst) return this.#captureFirst(frame);
    const since = await this.#draw(this.deadline);
    if (since === undefined) return { kind: 'unchanged' };
    return this.#toFrame(frame, await this.tap.take(frame, since, ARRIVAL_MS));
  }

  /**
   * Takes a screenshot, with a drawn frame before and after it. Before: the frame of a screenshot may follow the
   * previous one too soon for the capturer, which would skip it and keep an old frame until something changes again, so
   * changes are drawn for the capturer first. After: the browser considers the frame after a screenshot changed even if
   * it is not, so that frame is drawn here.
   */
  override async picture(deadlineMs = this.deadline): Promise<Buffer> {
    if (this.#gaveUp) return super.picture(deadlineMs);
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

  /** Draws the page. Returns the time just before; undefined if nothing has changed. */
  async #draw(deadlineMs: number): Promise<bigint | undefined> {
    const since = await this.page.frames.draw(deadlineMs);
    this.#lastChange = since ?? this.#lastChange;
    return since;
  }

  /** Captures the first frame of a file, which is compared before it is used. */
  async #captureFirst(frame: number): Promise<Frame> {
    const png = await this.picture();
    let difference = await this.#difference(png);
    if (difference !== '') {
      // The capture may have missed the last change. A new capture begins with the current picture.
      this.#lastChange = undefined;
      difference = (await this.tap.captureTab()) || (await this.#difference(png));
    }
    if (difference === '') {
      this.#hasFirst = true;
      return this.#toFrame(frame, await this.tap.retake(frame));
    }
    this.#giveUp(`the compositor's frame differs from the screenshot (${difference})`);
    return this.fromPicture(frame, png);
  }

  /** How the newest frame of the capture differs from the screenshot; the empty string if it does not. */
  async #difference(png: Buffer): Promise<string> {
    const refusal = await this.tap.prepareComparison(this.#lastChange, ARRIVAL_MS);
    return refusal || this.tap.differenceFrom(png);
  }

  async #toFrame(frame: number, taken: CapturedBytes | string): Promise<Frame> {
    if (typeof taken === 'string') return this.#replaceLost(frame);
    this.#lostFrames = 0;
    return { kind: 'pixels', ...taken };
  }

  /** Takes a screenshot in place of a frame that was drawn but did not arrive. */
  #replaceLost(frame: number): Promise<Frame> {
    this.#lostFrames++;
    if (this.#lostFrames >= MAX_LOST) this.#giveUp(`the compositor lost ${MAX_LOST} frames in a row`);
    return this.fromPicture(frame);
  }

  #giveUp(reason: string): void {
    this.#gaveUp = true;
    this.warn(`from here on, frames are taken as screenshots, which is slower: ${reason}`);
  }
}
