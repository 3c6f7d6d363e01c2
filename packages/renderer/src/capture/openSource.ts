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

/** How the frames of this page most likely come with these options: the page or browser may not allow it. */
export function expectedFormat(url: string, { mode, inPage, browserConfig }: ResolvedOptions): FrameFormat {
  if (mode === 'screenshot' || browserConfig.beginFrameControl === false || !isTrusted(url)) return 'png';
  if (mode === 'canvas') return inPage ? 'h264' : 'bgrx';
  return 'i420';
}

/** Whether browsers call the address secure, as that of a page must be whose frames are to be captured. */
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
 * Finds the way in which the frames of a page are captured that has loaded, as the options'
 * `mode` says. Tells a `capture` event; where the page or browser does not allow the way that was
 * wanted, its `reason` says why it is another one.
 */
export async function openSource(page: PageSession): Promise<ScreenshotSource> {
  const { session, scope, options } = page;
  const { mode, webgl } = options;
  const told = (as: CaptureEvent['mode'], encoded: boolean, reason?: string) => {
    const drawn = page.usesWebGl ? { webgl: webgl === 'llvmpipe' ? webgl : ('swiftshader' as const) } : {};
    scope.emit({ type: 'capture', worker: scope.worker, mode: as, encoded, ...drawn, ...(reason ? { reason } : {}) });
  };
  const screenshots = (refusal?: string): ScreenshotSource => {
    const reason = refusal && `the ${mode === 'canvas' ? 'canvas' : 'compositor'} cannot be captured: ${refusal}`;
    if (reason && mode !== 'auto') throw new ToolError(`${reason} (mode screenshot can)`, { ...scope.position });
    told('screenshot', false, reason);
    page.followsRefreshes = true;
    return new ScreenshotSource(page);
  };

  if (mode === 'screenshot') return screenshots();
  // What captures the page would go with its document.
  if (page.refreshes.isDue(options.startFrame + options.frameCount - 1)) {
    return screenshots('the page goes on to another document');
  }
  const tap = session.beginFrameControl ? await FrameTap.open(page) : 'this browser draws by itself';
  if (typeof tap === 'string') return screenshots(tap);
  page.followsRefreshes = false;
  try {
    const seesCanvas = (mode === 'canvas' || mode === 'auto') && (await tap.seesCanvas());
    // To ask the browser what it can encode takes 20 ms: only where something may come of it.
    const wanted = options.inPage && seesCanvas ? inPageEncoder(options) : undefined;
    const unable = wanted && (await tap.refusalOf(wanted));
    const encoder = unable ? undefined : wanted;
    const reason = unable && `the browser cannot encode this: ${unable}`;

    // Raw, the canvas has more than twice the bytes of the compositor's planes.
    if (mode === 'canvas' || (mode === 'auto' && encoder)) {
      const source = new CanvasSource(page, tap, encoder);
      const refusal = seesCanvas ? await source.refusal() : 'no canvas is on the page';
      if (refusal === '') {
        told('canvas', encoder !== undefined, reason);
        return source;
      }
      if (mode === 'canvas') return screenshots(refusal);
    }
    // Planes that the device makes of the page are not those of its screenshot.
    const refusal =
      mode === 'auto' && options.webgpu
        ? 'the page is put together by the device of its WebGPU'
        : await tap.captureTab();
    if (refusal !== '') {
      await tap[Symbol.asyncDispose]();
      return screenshots(refusal);
    }
    told('compositor', false);
    return new CompositorSource(page, tap);
  } catch (error) {
    await tap[Symbol.asyncDispose]();
    throw error;
  }
}
