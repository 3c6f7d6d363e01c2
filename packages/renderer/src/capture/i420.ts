import { PNG } from 'pngjs';
import { planesOf } from '../page/planes.js';

/** The planes that compositor capture would have given of a picture. */
export function i420FromPng(png: Buffer): Buffer {
  const { width, height, data } = PNG.sync.read(png);
  return Buffer.from(planesOf(data, width, height).buffer);
}
