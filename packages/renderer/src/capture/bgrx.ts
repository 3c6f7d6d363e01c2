import { loadPng } from '../png.js';

/** The pixels of a picture in the format of a captured canvas: blue, green, red and an unused byte. */
export async function pixelsFromPng(png: Buffer): Promise<Buffer> {
  const PNG = await loadPng();
  const { data } = PNG.sync.read(png);
  for (let at = 0; at < data.length; at += 4) {
    const red = data[at]!;
    data[at] = data[at + 2]!;
    data[at + 2] = red;
  }
  return data;
}
