import type { BrowserSession } from '../browser/BrowserSession.js';
import { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, where } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options.js';
import type { Frame, FrameSource } from './FrameSource.js';

/** How often a frame that the browser did not draw is asked for again. */
const ATTEMPTS = 3;

/** A PNG of each frame: always right, on every page. With begin-frame control where the browser has it. */
export class ScreenshotSource implements FrameSource {
  private constructor(readonly page: PageSession) {}

  /** Loads the page in the browser and runs it to the first frame of the options' range. */
  static async open(
    session: BrowserSession,
    scope: JobScope,
    options: ResolvedOptions,
    url: string,
  ): Promise<ScreenshotSource> {
    const page = await PageSession.open(session, scope, options);
    await scope.enter('load');
    await page.load(url);
    const source = new ScreenshotSource(page);
    await scope.enter('seek');
    await source.seek(options.startFrame);
    return source;
  }

  async seek(frame: number): Promise<void> {
    const { seek } = this.page.options.deadlines;
    for (let past = 0; past < frame; past++) {
      this.page.scope.position.frame = past;
      await this.page.scope.step('seek');
      await this.page.step(past, seek);
      // A compositor remembers what it drew: it keeps the scale at which a moving layer was first
      // rastered, and settles its layers on the first drawn frame. So frame 0 and the frame before
      // the range are drawn; of those between, everything happens but the drawing.
      if (!this.page.session.beginFrameControl) await this.page.ownFrame(seek);
      else await this.page.beginFrame(past === 0 || past === frame - 1, seek);
    }
  }

  async capture(frame: number): Promise<Frame> {
    await this.page.step(frame, this.page.options.deadlines.capture);
    return { kind: 'picture', png: await this.picture() };
  }

  async picture(): Promise<Buffer> {
    const { scope, session, options } = this.page;
    const { capture } = options.deadlines;
    if (!session.beginFrameControl) return this.page.screenshot(capture);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const png = await this.page.beginFrame(true, capture);
      if (png) return png;
    }
    throw new BrowserCrashError(
      `${where(scope.position)}the browser drew no picture in ${ATTEMPTS} attempts`,
      { ...scope.position },
      'picture',
    );
  }
}
