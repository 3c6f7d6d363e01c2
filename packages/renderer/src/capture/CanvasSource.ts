import { pixelsFromPng } from './bgrx.js';
import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { CapturedBytes } from './FrameTap.js';
import { TapSource } from './TapSource.js';

/**
 * Reads frames from a canvas that is the only thing visible on the page: as pixels (BGRX), or as packets of a video
 * that the browser encodes from them. The page is neither composited nor drawn. For each frame the source checks that
 * nothing but the canvas is visible; where something is, the frame is taken as a screenshot.
 */
export class CanvasSource extends TapSource {
  /** Whether the browser has drawn the page since the canvas was last captured with content. */
  #drawnSinceCapture = false;
  #warned = false;
  /** Whether the last capture is that of frame 0 which `check` compared, and the page is still at frame 0. */
  #hasCheckedFirst = false;

  override get format(): FrameFormat {
    return this.encoder ? 'h264' : 'bgrx';
  }

  /**
   * Takes the page to frame 0, where every render of it begins, and compares its canvas with a screenshot. Returns the
   * reason why the canvas cannot be used in place of the page; the empty string if it can.
   */
  async check(): Promise<string> {
    const { page, tap } = this;
    const { load } = page.options.deadlines;
    page.scope.position.frame = 0;
    await page.step(0, load);
    await page.frames.begin(false, load);
    const refusal = await tap.prepareCanvasComparison(this.#drawnSinceCapture);
    if (refusal !== '') return refusal;
    this.#hasCheckedFirst = (await tap.differenceFrom(await this.picture(load))) === '';
    return this.#hasCheckedFirst ? '' : 'its canvas differs from what the page shows';
  }

  override async capture(frame: number): Promise<Frame> {
    await this.advance(frame, 'read');
    // The comparison drew the page, which clears a WebGL canvas: the frame that was compared is used.
    if (frame === 0 && this.#hasCheckedFirst) return this.#toFrame(await this.tap.retake(frame), frame);
    // The browser does everything of a frame except drawing: callbacks that it runs may draw on the canvas.
    await this.page.frames.begin(false, this.deadline);
    const taken = await this.tap.takeCanvas(frame, this.#drawnSinceCapture);
    if (typeof taken !== 'string') this.#drawnSinceCapture = false;
    return this.#toFrame(taken, frame);
  }

  /** Makes a frame of what was captured. If `taken` is the reason why nothing was, takes a screenshot instead. */
  #toFrame(taken: CapturedBytes | string, frame: number): Promise<Frame> | Frame {
    if (typeof taken === 'string') {
      if (!this.#warned) this.warn(`some frames are taken as screenshots, which is slower: ${taken}`);
      this.#warned = true;
      return this.fromPicture(frame);
    }
    return { kind: this.encoder ? 'packet' : 'pixels', ...taken };
  }

  override async picture(deadlineMs?: number): Promise<Buffer> {
    const png = await super.picture(deadlineMs);
    this.#drawnSinceCapture = true;
    return png;
  }

  protected override pixelsOf(png: Buffer): Promise<Buffer> {
    return pixelsFromPng(png);
  }
}
