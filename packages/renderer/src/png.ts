import type * as Pngjs from 'pngjs';

/** What reads and writes pictures, loaded when the first one is to be looked at: most renders look at none. */
export async function loadPng(): Promise<typeof Pngjs.PNG> {
  return (await import('pngjs')).PNG;
}
