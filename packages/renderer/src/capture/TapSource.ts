import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import type { FrameTapEncoder } from '../page/frameTap.js';
import type { Frame } from '../ffmpeg/Frame.js';
import type { FrameTap } from './FrameTap.js';
import { ScreenshotSource } from './ScreenshotSource.js';

/** Frames that leave the browser through a worker beside the page: as raw pixels, or encoded there. */
export abstract class TapSource extends ScreenshotSource {
  constructor(
    page: PageSession,
    readonly tap: FrameTap,
    /** What frames are encoded with in the browser; undefined for raw pixels. */
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

  /** The raw pixels of a screenshot, as this source would have given them. */
  protected abstract pixelsOf(png: Buffer): Promise<Buffer>;

  /** The frame as it would have come, from a screenshot: by default of the page as it stands. */
  protected async fromPicture(frame: number, png?: Buffer): Promise<Frame> {
    const pixels = await this.pixelsOf(png ?? (await this.picture()));
    if (!this.encoder) return { kind: 'pixels', data: Promise.resolve([pixels]) };
    const given = await this.tap.give(frame, pixels);
    if (typeof given !== 'string') return { kind: 'packet', ...given };
    const { scope } = this.page;
    throw new BrowserCrashError(
      `${positionPrefix(scope.position)}the browser did not take a frame for its encoder`,
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
