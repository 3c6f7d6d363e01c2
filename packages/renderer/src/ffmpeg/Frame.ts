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
