/**
 * How the pixels of a source leave the browser: as lossless pictures, raw (4:2:0 planes, or blue, green,
 * red and a byte that means nothing for each pixel), or as packets of the browser's encoder. Planes are
 * BT.601, packets BT.709.
 */
export type FrameFormat = 'png' | 'i420' | 'bgrx' | 'h264';

/**
 * What a frame source yields for one frame: a lossless picture; raw pixels or a packet, whose bytes may
 * still be on their way while the page goes on; or word that nothing has changed since the frame before.
 */
export type Frame =
  | { kind: 'picture'; png: Buffer }
  /**
   * The bytes in pieces, as they come: to put megabytes together for each frame costs more than to write them.
   * Their memory may be that of the third frame after it, too.
   */
  | { kind: 'pixels' | 'packet'; data: Promise<readonly Buffer[]> }
  | { kind: 'hold' };

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
