import type { planesOf } from './planes.js';

/**
 * Compares a screenshot (PNG) with a frame: how they differ, as a sentence; the empty string if they are equal. A frame
 * with planes is compared with the planes that the compositor would make of the screenshot. Runs in the worker. Sent
 * there as source text, like everything in this folder.
 */
export async function frameDifference(
  data: ArrayBuffer,
  frame: VideoFrame,
  { width, height }: { width: number; height: number },
  toPlanes: typeof planesOf,
): Promise<string> {
  /**
   * The number of rows to compare at once, which must be even. In strips, because an image takes megabytes and is not
   * needed again.
   */
  const STRIP = 64;
  const decoder = new ImageDecoder({ data, type: 'image/png', colorSpaceConversion: 'none' });
  const { image } = await decoder.decode();
  try {
    if (image.visibleRect?.width !== width || image.visibleRect.height !== height) return 'it has another size';
    const isPlanar = frame.format === 'I420';
    const format = isPlanar ? 'RGBX' : (frame.format as 'RGBX' | 'BGRX');
    for (let y = 0; y < height; y += STRIP) {
      const rect = { x: 0, y, width, height: Math.min(STRIP, height - y) };
      const shown = new Uint8Array(image.allocationSize({ format, rect }));
      const taken = new Uint8Array(frame.allocationSize({ rect }));
      await Promise.all([image.copyTo(shown, { format, rect }), frame.copyTo(taken, { rect })]);
      const expected = isPlanar ? toPlanes(shown, width, rect.height) : shown;
      for (let at = 0; at < expected.length; at++) {
        // The fourth byte of a pixel is padding.
        if (expected[at] !== taken[at] && (isPlanar || at % 4 < 3)) return `it differs from row ${y} on`;
      }
    }
    return '';
  } finally {
    image.close();
    decoder.close();
  }
}
