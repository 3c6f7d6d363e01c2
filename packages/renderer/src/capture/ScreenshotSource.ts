import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, where } from '../errors.js';
import type { Frame, FrameSource } from './FrameSource.js';

/** How often a frame that the browser did not draw is asked for again. */
const ATTEMPTS = 3;

/** A PNG of each frame: always right, on every page. With begin-frame control where the browser has it. */
export class ScreenshotSource implements FrameSource {
  constructor(readonly page: PageSession) {}

  async seek(frame: number): Promise<void> {
    const { seek } = this.page.options.deadlines;
    for (let undrawn = 0; undrawn < frame; undrawn++) {
      this.page.scope.position.frame = undrawn;
      await this.page.step(undrawn, seek);
      // Layout, observers and animation events of the frame happen, only its drawing does not.
      if (this.page.session.beginFrameControl) await this.page.beginFrame(false, seek);
    }
  }

  async capture(frame: number): Promise<Frame> {
    this.page.scope.position.frame = frame;
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
    throw new BrowserCrashError(`${where(scope.position)}the browser drew no picture in ${ATTEMPTS} attempts`, {
      ...scope.position,
    });
  }
}
