/** What is known of the pixels of a canvas beside themselves. */
export interface CanvasKind {
  /** Whether the canvas has no transparency. */
  opaque: boolean;
  /** Whether the page was drawn since, by which a canvas of WebGL may have been emptied. */
  drawn: boolean;
}

/**
 * Why these pixels of a canvas (four bytes each, the last one alpha) are not what the page shows, as the end of a
 * sentence; the empty string where they are. Runs in the worker; sent there as source text, like everything in this
 * folder.
 */
export function canvasRefusal(pixels: Uint8Array<ArrayBuffer>, { opaque, drawn }: CanvasKind): string {
  /** The bits that all of them have. Eight at once take half of the time: the page waits for it, each frame. */
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
  // Alpha is the last byte in memory, and so the highest one of these numbers.
  if (!opaque && inAll(numbers) >>> 24 !== 0xff) return 'its canvas lets through what is behind it';
  // A black one is as good as an empty one: a screenshot tells the two apart.
  const isBlack = drawn && numbers.every((number) => (number & 0xffffff) === 0);
  return isBlack ? 'its canvas may have been emptied' : '';
}
