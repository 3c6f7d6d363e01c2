/**
 * What a frame source yields for one frame: a lossless picture, or word that nothing has changed
 * since the frame before. Faster kinds (raw planes, an encoded packet) join here as further members.
 */
export type Frame = { kind: 'picture'; png: Buffer } | { kind: 'hold' };

/** Draws the frames of a page, in order. */
export interface FrameSource {
  /** The frame that comes next: the one after the last that was drawn or passed; 0 at first. */
  readonly next: number;
  /** Whether the page has been taken past frames that it has never seen. */
  readonly jumped: boolean;
  /**
   * Runs the page through every frame up to, but not including, this one. They are not drawn, but for
   * the last of them, whose picture is returned: undefined when there was none to pass.
   */
  replay(frame: number): Promise<Buffer | undefined>;
  /** As `replay`, but takes the page straight to the last few of those frames. */
  jump(frame: number): Promise<Buffer | undefined>;
  /** Draws this frame, which must be the next one. */
  capture(frame: number): Promise<Frame>;
  /** The page as it stands, without loss. */
  picture(): Promise<Buffer>;
}
