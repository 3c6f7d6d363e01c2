/**
 * Converts pixels of four bytes (red, green, blue, padding) to the planes that the browser's compositor would make of
 * them: Y, then U and V at half the width and height, BT.601 in limited range, with the integer arithmetic of libyuv's
 * `ARGBToI420`, which Chromium uses. The result equals, byte for byte, what compositor capture delivers for the same
 * frame, so either way of capture may be used. Width and height must be even.
 */
export function planesOf(data: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const pixels = width * height;
  const planes = new Uint8Array((pixels * 3) / 2);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4) {
    planes[pixel] = (66 * data[at]! + 129 * data[at + 1]! + 25 * data[at + 2]! + 0x1080) >> 8;
  }
  let u = pixels;
  let v = pixels + pixels / 4;
  for (let y = 0; y < height; y += 2) {
    // Offsets of a block of four pixels: a and b in the upper row, c and d in the lower one.
    let a = y * width * 4;
    for (let x = 0; x < width; x += 2, a += 8) {
      const b = a + 4;
      const c = a + width * 4;
      const d = c + 4;
      const red = (data[a]! + data[b]! + data[c]! + data[d]! + 2) >> 2;
      const green = (data[a + 1]! + data[b + 1]! + data[c + 1]! + data[d + 1]! + 2) >> 2;
      const blue = (data[a + 2]! + data[b + 2]! + data[c + 2]! + data[d + 2]! + 2) >> 2;
      planes[u++] = (112 * blue - 74 * green - 38 * red + 0x8000) >> 8;
      planes[v++] = (112 * red - 94 * green - 18 * blue + 0x8000) >> 8;
    }
  }
  return planes;
}
