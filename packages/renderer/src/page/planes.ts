/**
 * The planes (Y, then U and V at half the width and height) that the browser's compositor makes of pixels of four
 * bytes (red, green, blue and one that means nothing): BT.601 in limited range, with the integer arithmetic of
 * libyuv's `ARGBToI420`, which Chromium uses. Byte for byte what compositor capture delivers of the same frame, so
 * that a frame may be taken in either way. Width and height must be even.
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
    // The pixel, the one to its right, the one below, and the one to the right of that.
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
