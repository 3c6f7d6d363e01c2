/** Keeps the canvases of the page that are drawn by script elsewhere, each with a number. */
export interface CanvasRegistry {
  /** Numbers of the canvases in a message that is being sent, as they come in it. */
  release(message: unknown, transfer: readonly unknown[]): (number | undefined)[];
  /** Keeps the canvases of a message that has come, by these numbers. */
  adopt(message: unknown, given: readonly (number | undefined)[]): void;
  show(id: number, picture: ImageBitmap | OffscreenCanvas): void;
  showOwn(): void;
  /** What is on the canvases that are drawn in this context. */
  pictures(): Promise<[id: number, picture: ImageBitmap][]>;
}
