/** The canvases of the page whose control was transferred (`transferControlToOffscreen`), each with a number. */
export interface CanvasRegistry {
  /**
   * To be called with each message that is sent: from now on its canvases are drawn by the receiver. Returns their
   * numbers, in the order in which they occur in the message.
   */
  release(message: unknown, transfer: readonly unknown[]): (number | undefined)[];
  /** To be called with each message that is received: registers its canvases under these numbers. */
  adopt(message: unknown, given: readonly (number | undefined)[]): void;
  /** Copies a picture to the canvas with this number, if that is in this document. */
  show(id: number, picture: ImageBitmap | OffscreenCanvas): void;
  /** Shows the canvases that are drawn in this context. */
  showOwn(): void;
  /** The contents of the canvases that are drawn in this context. */
  pictures(): Promise<[id: number, picture: ImageBitmap][]>;
}
