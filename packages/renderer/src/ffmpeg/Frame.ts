/**
 * How the pixels of a source leave the browser: as lossless pictures; raw, as 4:2:0 planes (BT.601) or as blue, green,
 * red and an unused byte per pixel; or as packets of the browser's encoder (BT.709).
 */
export type FrameFormat = 'png' | 'i420' | 'bgrx' | 'h264';

/**
 * What a frame source yields for one frame: a lossless picture; raw pixels or a packet, whose bytes may still be on
 * their way while the page goes on; or that nothing has changed since the previous frame.
 */
export type Frame =
  | { kind: 'picture'; png: Buffer }
  /**
   * The bytes in the pieces in which they arrive: joining megabytes for each frame would cost more than writing them.
   * The third frame after this one may reuse their memory.
   */
  | { kind: 'pixels' | 'packet'; data: Promise<readonly Buffer[]> }
  | { kind: 'unchanged' };
