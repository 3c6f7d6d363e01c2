import { planesOf } from '../page/planes.js';
import { loadPng } from '../png.js';

/** The planes that the compositor capture would have given for this picture. */
export async function i420FromPng(png: Buffer): Promise<Buffer> {
  const PNG = await loadPng();
  const { width, height, data } = PNG.sync.read(png);
  return Buffer.from(planesOf(data, width, height).buffer);
}
