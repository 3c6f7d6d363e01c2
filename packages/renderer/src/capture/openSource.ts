import type { BrowserSession } from '../browser/BrowserSession.js';
import { PageSession } from '../browser/PageSession.js';
import { ToolError } from '../errors.js';
import type { RenderEvent } from '../events.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { CanvasSource } from './CanvasSource.js';
import { CompositorSource } from './CompositorSource.js';
import type { FrameFormat } from '../ffmpeg/Frame.js';
import { FrameTap } from './FrameTap.js';
import { inPageEncoder } from './inPageEncoder.js';
import { ScreenshotSource } from './ScreenshotSource.js';

type CaptureEvent = Extract<RenderEvent, { type: 'capture' }>;

/** The format in which the frames of this page will most likely come. The page or the browser may not allow it. */
export function expectedFormat(url: string, { mode, inPage, browserConfig }: ResolvedOptions): FrameFormat {
  if (mode === 'screenshot' || browserConfig.beginFrameControl === false || !isTrusted(url)) return 'png';
  if (mode === 'canvas') return inPage ? 'h264' : 'bgrx';
  return 'i420';
}

/** Whether browsers consider the address secure, which a page must be for its frames to be captured. */
function isTrusted(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  const isLocal = /^(.*\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/.test(hostname);
  return protocol === 'https:' || protocol === 'file:' || isLocal;
}

/** Loads the page in the browser. */
export async function loadPage(
  session: BrowserSession,
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
): Promise<PageSession> {
  const page = await PageSession.open(session, scope, options);
  await scope.enter('load');
  await page.load(url);
  return page;
}

/**
 * Chooses how the frames of a loaded page are captured, following the option `mode`. Emits a `capture` event, whose
 * `reason` says why the page is captured in another way than asked for, if the page or browser does not allow that.
 */
export async function openSource(page: PageSession): Promise<ScreenshotSource> {
  const { session, scope, options } = page;
  const { mode, webgl } = options;
  const emitCapture = (chosen: CaptureEvent['mode'], encoded: boolean, reason?: string) => {
    const driver = page.usesWebGl ? { webgl: webgl === 'llvmpipe' ? webgl : ('swiftshader' as const) } : {};
    const details = { ...driver, ...(reason ? { reason } : {}) };
    scope.emit({ type: 'capture', worker: scope.worker, mode: chosen, encoded, ...details });
  };
  const screenshots = (refusal?: string): ScreenshotSource => {
    const reason = refusal && `the ${mode === 'canvas' ? 'canvas' : 'compositor'} cannot be captured: ${refusal}`;
    if (reason && mode !== 'auto')
      throw new ToolError(`${reason} (mode: screenshot works on every page)`, { ...scope.position });
    emitCapture('screenshot', false, reason);
    page.followsRefreshes = true;
    return new ScreenshotSource(page);
  };

  if (mode === 'screenshot') return screenshots();
  // A tap would be lost with its document.
  if (page.refreshes.isDue(options.startFrame + options.frameCount - 1)) {
    return screenshots('the page goes on to another document');
  }
  const tap = session.beginFrameControl ? await FrameTap.open(page) : 'this browser has no begin-frame control';
  if (typeof tap === 'string') return screenshots(tap);
  page.followsRefreshes = false;
  try {
    const hasCanvas = (mode === 'canvas' || mode === 'auto') && (await tap.hasCanvas());
    // Asking the browser what it can encode takes 20 ms, so it is asked only if there is a canvas to encode.
    const wanted = options.inPage && hasCanvas ? inPageEncoder(options) : undefined;
    const unable = wanted && (await tap.refusalOf(wanted));
    const encoder = unable ? undefined : wanted;
    const reason = unable && `the browser cannot encode this: ${unable}`;

    // The raw pixels of a canvas are more than twice as large as the compositor's planes.
    if (mode === 'canvas' || (mode === 'auto' && encoder)) {
      const source = new CanvasSource(page, tap, encoder);
      const refusal = hasCanvas ? await source.check() : 'there is no canvas on the page';
      if (refusal === '') {
        emitCapture('canvas', encoder !== undefined, reason);
        return source;
      }
      if (mode === 'canvas') return screenshots(refusal);
    }
    // When the WebGPU device composites the page, the captured planes differ from those of a screenshot.
    const refusal =
      mode === 'auto' && options.webgpu ? 'the page is composited by its WebGPU device' : await tap.captureTab();
    if (refusal !== '') {
      await tap[Symbol.asyncDispose]();
      return screenshots(refusal);
    }
    emitCapture('compositor', false);
    return new CompositorSource(page, tap);
  } catch (error) {
    await tap[Symbol.asyncDispose]();
    throw error;
  }
}
