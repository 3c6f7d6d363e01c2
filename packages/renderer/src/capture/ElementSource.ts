import { pixelsFromPng } from './bgrx.js';
import type { Frame, FrameFormat } from './FrameSource.js';
import { differenceOf } from './likeness.js';
import { TapSource } from './TapSource.js';

/** So many frames are taken in the same way, in frames of the composition: as the first of them was found. */
const BLOCK = 30;

/**
 * The pixels of a canvas into which the browser draws the page (BGRX), or packets of a video that it has
 * encoded from them: nothing is put together by the compositor. The first of each 30 frames is compared
 * with the screenshot of the page as it is without the canvas. Where the two differ, those 30 are taken as
 * screenshots; so is any frame that cannot be drawn. Which way a frame is taken depends on its number and
 * what is on the page, and not on where a chunk begins.
 */
export class ElementSource extends TapSource {
  /** Why the page cannot be drawn into a canvas; the empty string where it can. */
  refused = '';
  /** Whether the present block is drawn into the canvas. */
  #trusted = false;
  /** The frame that was last compared. */
  #compared = 0;
  readonly #told = new Set<string>();

  override get format(): FrameFormat {
    return this.encoder ? 'h264' : 'bgrx';
  }

  /**
   * Takes the page to frame 0, where every render of it begins, and compares what is drawn with the
   * screenshot, which decides whether the page can be drawn into a canvas (`refused`).
   */
  async prove(): Promise<void> {
    const { load } = this.page.options.deadlines;
    this.page.scope.position.frame = 0;
    await this.page.step(0, load);
    await this.page.frames.begin(false, load);
    this.refused = await this.#compare(load);
    this.#trusted = this.refused === '';
  }

  override async replay(frame: number, drawsAll?: boolean): Promise<Buffer | undefined> {
    const first = firstOfBlock(frame - 1);
    if (first <= this.#compared || first < this.next) return super.replay(frame, drawsAll);
    await super.replay(first + 1, drawsAll);
    await this.#decide(first);
    if (this.next < frame) return super.replay(frame, drawsAll);
    return this.picture(this.page.options.deadlines.seek);
  }

  override async jump(frame: number): Promise<Buffer | undefined> {
    const first = firstOfBlock(frame - 1);
    const isNew = first > this.#compared && first >= this.next;
    const picture = isNew ? await super.jump(first + 1) : undefined;
    return this.next === frame ? picture : super.jump(frame);
  }

  override async capture(frame: number): Promise<Frame> {
    await this.advance(frame);
    if (frame === firstOfBlock(frame) && frame !== this.#compared) await this.#decide(frame);
    if (!this.#trusted) return this.fromPicture(frame);
    const refusal = await this.tap.drawElement(this.deadline);
    const taken = refusal === '' ? await this.tap.takeElement(frame) : refusal;
    if (typeof taken !== 'string') return { kind: this.encoder ? 'packet' : 'pixels', ...taken };
    this.#tell(`frames are taken as screenshots where that is so, which is slower: ${taken}`);
    await this.tap.leaveElement();
    return this.fromPicture(frame, await super.picture());
  }

  /** Compares the last frame, too: what is behind the first frame of its block was not. */
  override async end(): Promise<void> {
    const last = this.next - 1;
    if (!this.#trusted || last === this.#compared) return;
    const reason = await this.#compare(this.deadline);
    if (reason !== '') this.#tell(`frames ${firstOfBlock(last)} to ${last} may not be what the page shows: ${reason}`);
  }

  /** What the video has of the frame that the page shows: the canvas, or the page without it. */
  override async picture(deadlineMs = this.deadline): Promise<Buffer> {
    // Where it cannot be drawn, the page is without the canvas.
    if (this.#trusted) await this.tap.drawElement(deadlineMs);
    return super.picture(deadlineMs);
  }

  protected override async draw(deadlineMs: number): Promise<void> {
    await this.picture(deadlineMs);
  }

  protected override pixelsOf(png: Buffer): Promise<Buffer> {
    return pixelsFromPng(png);
  }

  async #decide(frame: number): Promise<void> {
    const reason = await this.#compare(this.deadline);
    this.#compared = frame;
    this.#trusted = reason === '';
    if (reason === '') return;
    const last = frame + BLOCK - 1;
    this.#tell(`frames ${frame} to ${last} are taken as screenshots, which is slower: ${reason}`);
  }

  /** Why the page as drawn is not the page as shown; the empty string where it is. Leaves it as shown. */
  async #compare(deadlineMs: number): Promise<string> {
    const { page, tap } = this;
    const refusal = await tap.drawElement(deadlineMs);
    if (refusal !== '') return refusal;
    const seen = await tap.lookAtElement();
    await tap.leaveElement();
    if (typeof seen === 'string') return seen;
    const shown = await pixelsFromPng(await super.picture(deadlineMs));
    const drawn = await page.scope.wait(seen.data, deadlineMs, 'the browser to hand over its canvas');
    const difference = differenceOf(Buffer.concat(drawn), shown, page.options.pixelWidth);
    return difference && `what is drawn differs from what the page shows, ${difference}`;
  }

  /** Says the same only once. */
  #tell(message: string): void {
    if (!this.#told.has(message)) this.warn(message);
    this.#told.add(message);
  }
}

/** The frame that decides how this one is taken. */
function firstOfBlock(frame: number): number {
  return frame - (frame % BLOCK);
}
