import type * as Pngjs from 'pngjs';

/** Loads the PNG library on first use: most renders never decode a picture. */
export async function loadPng(): Promise<typeof Pngjs.PNG> {
  return (await import('pngjs')).PNG;
}
