import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';

/** Draws the frames of a page, in order. */
export interface FrameSource {
  /** How its frames come. */
  readonly format: FrameFormat;
  /** The frame that comes next: the one after the last that was drawn or passed; 0 at first. */
  readonly next: number;
  /** Whether the page has been taken past frames that it has never seen. */
  readonly jumped: boolean;
  /** Whether the page has drawn every frame from frame 0 on. */
  readonly drewAll: boolean;
  /**
   * Runs the page through every frame up to, but not including, this one. Without `drawsAll` they are not drawn,
   * but for the last of them, whose picture is returned: undefined when there was none to pass.
   */
  replay(frame: number, drawsAll?: boolean): Promise<Buffer | undefined>;
  /** As `replay`, but takes the page straight to the last few of those frames. */
  jump(frame: number): Promise<Buffer | undefined>;
  /** Begins a file: its first frame is not held, nor encoded from an earlier one. */
  begin(): Promise<void>;
  /** Draws this frame, which must be the next one. */
  capture(frame: number): Promise<Frame>;
  /** The page as it stands, without loss. */
  picture(): Promise<Buffer>;
}
