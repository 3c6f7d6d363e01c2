/**
 * What a frame source yields for one frame: a lossless picture, or word that nothing has changed
 * since the frame before. Faster kinds (raw planes, an encoded packet) join here as further members.
 */
export type Frame = { kind: 'picture'; png: Buffer } | { kind: 'hold' };

/** Draws the frames of a page, in order. */
export interface FrameSource {
  /** Runs the page from frame 0 up to, but not including, this frame without drawing. */
  seek(frame: number): Promise<void>;
  /** Draws this frame, which must be the one after the last that was sought or captured. */
  capture(frame: number): Promise<Frame>;
  /** The page as it stands, without loss. */
  picture(): Promise<Buffer>;
}
