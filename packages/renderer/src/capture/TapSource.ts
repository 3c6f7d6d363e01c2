import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import type { FrameTapEncoder } from '../page/frameTap.js';
import type { Frame } from '../ffmpeg/Frame.js';
import type { FrameTap } from './FrameTap.js';
import { ScreenshotSource } from './ScreenshotSource.js';

/**
 * A source whose frames leave the browser through a worker beside the page: as raw pixels, or encoded by the worker.
 */
export abstract class TapSource extends ScreenshotSource {
  constructor(
    page: PageSession,
    readonly tap: FrameTap,
    /** The encoder that the browser uses; undefined for raw pixels. */
    readonly encoder?: FrameTapEncoder,
  ) {
    super(page);
  }

  override async begin(): Promise<void> {
    if (this.encoder) await this.tap.encodeWith(this.encoder);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.tap[Symbol.asyncDispose]();
  }

  /** Converts a screenshot into the raw pixels that this source would have captured. */
  protected abstract pixelsOf(png: Buffer): Promise<Buffer>;

  /** Makes the frame that would have been captured from a screenshot: by default from a new one of the current page. */
  protected async fromPicture(frame: number, png?: Buffer): Promise<Frame> {
    const pixels = await this.pixelsOf(png ?? (await this.picture()));
    if (!this.encoder) return { kind: 'pixels', data: Promise.resolve([pixels]) };
    const encoded = await this.tap.encodePixels(frame, pixels);
    if (typeof encoded !== 'string') return { kind: 'packet', ...encoded };
    const { scope } = this.page;
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser's encoder did not accept a frame`,
      { ...scope.position },
      'picture',
    );
  }

  protected warn(message: string): void {
    const { scope } = this.page;
    scope.emit({ type: 'warning', message, ...scope.position, worker: scope.worker });
  }

  protected get deadline(): number {
    return this.page.options.deadlines.capture;
  }
}
