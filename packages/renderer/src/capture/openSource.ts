import type { BrowserSession } from '../browser/BrowserSession.js';
import { PageSession } from '../browser/PageSession.js';
import { ToolError } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options.js';
import { CompositorSource } from './CompositorSource.js';
import type { FrameFormat } from './FrameSource.js';
import { FrameTap } from './FrameTap.js';
import { inPageEncoder } from './inPageEncoder.js';
import { ScreenshotSource } from './ScreenshotSource.js';

/** How the frames of a source with these options come, unless the page or browser does not allow it. */
export function expectedFormat({ mode, fast, browserConfig }: ResolvedOptions): FrameFormat {
  if (mode === 'screenshot' || browserConfig.beginFrameControl === false) return 'png';
  return fast ? 'h264' : 'i420';
}

/**
 * Loads the page in the browser and finds the way in which its frames are captured, as the options'
 * `mode` says. Tells a `capture` event; where the page or browser does not allow the way that was
 * wanted, its `reason` says why it is another one.
 */
export async function openSource(
  session: BrowserSession,
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
): Promise<ScreenshotSource> {
  const page = await PageSession.open(session, scope, options);
  await scope.enter('load');
  await page.load(url);
  const told = (mode: 'screenshot' | 'compositor', fast: boolean, reason?: string) =>
    scope.emit({ type: 'capture', worker: scope.worker, mode, fast, ...(reason === undefined ? {} : { reason }) });

  if (options.mode === 'screenshot') {
    told('screenshot', false);
    return new ScreenshotSource(page);
  }
  const tap = session.beginFrameControl ? await FrameTap.open(page) : 'this browser draws by itself';
  if (typeof tap === 'string') {
    const reason = `the compositor cannot be captured: ${tap}`;
    if (options.mode === 'compositor') throw new ToolError(`${reason} (mode screenshot can)`, { ...scope.position });
    told('screenshot', false, reason);
    return new ScreenshotSource(page);
  }
  try {
    const encoder = options.fast ? inPageEncoder(options) : undefined;
    const refusal = encoder && (await tap.refusalOf(encoder));
    if (refusal) told('compositor', false, `the browser cannot encode this: ${refusal}`);
    else told('compositor', options.fast);
    return new CompositorSource(page, tap, refusal ? undefined : encoder);
  } catch (error) {
    await tap[Symbol.asyncDispose]();
    throw error;
  }
}
