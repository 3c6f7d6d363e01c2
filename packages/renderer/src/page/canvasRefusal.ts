/** What is known about a canvas besides its pixels. */
export interface CanvasKind {
  /** Whether the canvas has no transparency. */
  opaque: boolean;
  /** Whether the browser has drawn the page since, which may have cleared a WebGL canvas. */
  drawn: boolean;
}

/**
 * Returns why these pixels of a canvas (four bytes each, the last one alpha) are not what the page shows, as the end of
 * a sentence; the empty string if they are. Runs in the worker. Sent there as source text, like everything in this
 * folder.
 */
export function canvasRefusal(pixels: Uint8Array<ArrayBuffer>, { opaque, drawn }: CanvasKind): string {
  /** The bitwise AND of all numbers. Eight per turn halve the time, which the page spends waiting in every frame. */
  const inAll = (numbers: Uint32Array): number => {
    let bits = -1;
    let at = 0;
    for (; at + 8 <= numbers.length; at += 8) {
      const four = numbers[at]! & numbers[at + 1]! & numbers[at + 2]! & numbers[at + 3]!;
      bits &= four & numbers[at + 4]! & numbers[at + 5]! & numbers[at + 6]! & numbers[at + 7]!;
    }
    for (; at < numbers.length; at++) bits &= numbers[at]!;
    return bits;
  };

  if (opaque && !drawn) return '';
  const numbers = new Uint32Array(pixels.buffer);
  // Alpha is the last byte in memory, and so the highest byte of these little-endian numbers.
  if (!opaque && inAll(numbers) >>> 24 !== 0xff) return 'its canvas is partly transparent';
  // A black canvas looks like a cleared one; only a screenshot can tell them apart.
  const isBlack = drawn && numbers.every((number) => (number & 0xffffff) === 0);
  return isBlack ? 'its canvas may have been cleared' : '';
}
