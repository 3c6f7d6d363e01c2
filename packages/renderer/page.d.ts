/**
 * Types of `window.genlock`, for the scripts of a page. Add to a TypeScript file of the page:
 *
 *     import '@genlock/renderer/page';
 */

export interface Genlock {
  /** The frame that is being drawn, from 0. */
  readonly frame: number;
  /** Its time in seconds: `frame / fps`. */
  readonly time: number;
  /** Frames per second. */
  readonly fps: number;
  /** The render's `inputProps` (`--props`). An empty object where there are none. */
  readonly props: Readonly<Record<string, unknown>>;
  /** Always true: where there is no `window.genlock`, the page is not being rendered. */
  readonly isRendering: true;
  /**
   * Holds the clock until the promise settles: before frame 0 while the page loads, later before the
   * present frame is drawn. A rejection fails the render.
   */
  waitUntil(promise: Promise<unknown>): void;
}

declare global {
  interface Window {
    /** Present only while Genlock renders the page. */
    readonly genlock?: Genlock;
  }
}
