import { pixelsFromPng } from './bgrx.js';
import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { Taken } from './FrameTap.js';
import { TapSource } from './TapSource.js';

/**
 * The pixels of a canvas that is all there is to see on the page (BGRX), or packets of a video that
 * the browser has encoded from them: nothing is put together or drawn on a screen. That the canvas
 * is all is looked at for each frame; one where it is not is taken as a screenshot.
 */
export class CanvasSource extends TapSource {
  /** Whether the page was drawn since its canvas was last seen with something on it. */
  #drawn = false;
  #warned = false;
  /** Whether the frame that was taken last is frame 0, which was compared, and the page is still there. */
  #holdsFirst = false;

  override get format(): FrameFormat {
    return this.encoder ? 'h264' : 'bgrx';
  }

  /**
   * Takes the page to frame 0, where every render of it begins, and compares its canvas with the
   * screenshot. Returns why the canvas cannot stand for the page; the empty string where it can.
   */
  async refusal(): Promise<string> {
    const { page, tap } = this;
    const { load } = page.options.deadlines;
    page.scope.position.frame = 0;
    await page.step(0, load);
    await page.frames.begin(false, load);
    const refusal = await tap.lookAtCanvas(this.#drawn);
    if (refusal !== '') return refusal;
    this.#holdsFirst = (await tap.differenceFrom(await this.picture(load))) === '';
    return this.#holdsFirst ? '' : 'its canvas differs from what the page shows';
  }

  override async capture(frame: number): Promise<Frame> {
    await this.advance(frame, 'read');
    // The comparison has had the page drawn, which empties a canvas of WebGL.
    if (frame === 0 && this.#holdsFirst) return this.#use(await this.tap.again(frame), frame);
    // All that happens in a frame but drawing: what is told to the page there may draw on its canvas.
    await this.page.frames.begin(false, this.deadline);
    const taken = await this.tap.takeCanvas(frame, this.#drawn);
    if (typeof taken !== 'string') this.#drawn = false;
    return this.#use(taken, frame);
  }

  #use(taken: Taken | string, frame: number): Promise<Frame> | Frame {
    if (typeof taken === 'string') {
      if (!this.#warned) this.warn(`frames are taken as screenshots where that is so, which is slower: ${taken}`);
      this.#warned = true;
      return this.fromPicture(frame);
    }
    return { kind: this.encoder ? 'packet' : 'pixels', ...taken };
  }

  override async picture(deadlineMs?: number): Promise<Buffer> {
    const png = await super.picture(deadlineMs);
    this.#drawn = true;
    return png;
  }

  protected override pixelsOf(png: Buffer): Promise<Buffer> {
    return pixelsFromPng(png);
  }
}
