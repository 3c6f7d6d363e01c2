import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';

/** Draws the frames of a page, in order. */
export interface FrameSource {
  /** The format of its frames. */
  readonly format: FrameFormat;
  /** The next frame: the one after the last frame that the page was taken to; 0 at first. */
  readonly next: number;
  /** Whether the page has skipped frames. */
  readonly jumped: boolean;
  /** Whether the page has drawn every frame from frame 0 on. */
  readonly drewAll: boolean;
  /**
   * Takes the page through every frame before this one. Returns the picture of the last of them; undefined if there
   * are none left. The others are drawn only with `drawsAll`, except frame 0 and the last few.
   */
  replay(frame: number, drawsAll?: boolean): Promise<Buffer | undefined>;
  /** Like `replay`, but takes the page straight to the last few of those frames. */
  jump(frame: number): Promise<Buffer | undefined>;
  /** Begins a new file: its first frame is complete in itself, neither `unchanged` nor encoded from an earlier one. */
  begin(): Promise<void>;
  /** Captures this frame, which must be the next one. */
  capture(frame: number): Promise<Frame>;
  /** Takes a lossless picture of the page in its current state. */
  picture(): Promise<Buffer>;
}
