import type { BrowserPool } from '../browser/BrowserPool.js';
import { BrowserSession } from '../browser/BrowserSession.js';
import { UnseenDrawingError } from '../browser/PageSession.js';
import type { WarmBrowser } from '../browser/WarmBrowser.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options.js';
import { ElementSource } from './ElementSource.js';
import { loadPage, openSource } from './openSource.js';
import { ScreenshotSource, SETTLING } from './ScreenshotSource.js';

/**
 * A page is replayed for so long before it is considered whether it could have been spared that: as many frames as
 * fit into the time, but no fewer than half a second of a video, and no more than two.
 */
const PROBE_MS = 1000;
const MIN_PROBE_FRAMES = 15;
const MAX_PROBE_FRAMES = 60;
/** Replaying that takes less than this share of drawing the chunk is not worth a second thought. */
const WORTH_SHARE = 0.02;
/** Nor is a replay that is not much longer than the trial: a browser's start, a page's load, two pictures. */
const WORTH_MS = 2000;

/** A page at the first frame of a range. */
interface Entered {
  source: ScreenshotSource;
  /** The picture of the frame before the range; undefined when the page stood there already, or there is none. */
  before: Buffer | undefined;
}

/** Opens the page, or goes on with that of the browser, and takes it to the first frame of the options' range. */
export async function enterChunk(
  browser: WarmBrowser,
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool?: BrowserPool,
): Promise<Entered> {
  let source = await browser.open(scope, options, url, pool);
  try {
    return { source, before: await enter(source, options, scope, url) };
  } catch (error) {
    if (!(error instanceof UnseenDrawingError)) throw error;
  }
  source = await browser.openDrawingAll(scope, options, url, pool);
  return { source, before: await enter(source, options, scope, url) };
}

/**
 * Takes the page there as `entry` says: through every frame before it, or straight there. `auto` goes
 * straight only where the way is long and the page, asked at a frame near its start, drew the same picture
 * both ways.
 */
async function enter(
  source: ScreenshotSource,
  options: ResolvedOptions,
  scope: JobScope,
  url: string,
): Promise<Buffer | undefined> {
  await scope.enter('seek');
  const { startFrame, entry, seams } = options;
  if (entry === 'seek') return source.jump(startFrame);
  // Where nothing will be compared, nobody would see that a page was not fit for a jump.
  if (entry === 'replay' || seams === undefined) return source.replay(startFrame);

  // A page that has jumped before was found fit for it.
  if (source.jumped) return source.jump(startFrame);
  const first = source.next;
  if (startFrame <= first + MIN_PROBE_FRAMES) return source.replay(startFrame);
  await source.pass(first + MIN_PROBE_FRAMES - SETTLING);
  const affordable = Math.floor(PROBE_MS / source.passMs);
  const probe = first + Math.min(Math.max(affordable, MIN_PROBE_FRAMES), MAX_PROBE_FRAMES);
  if ((startFrame - probe) * source.passMs < WORTH_MS) return source.replay(startFrame);
  await source.pass(probe - SETTLING);
  const almostThere = performance.now();
  const replayed = await source.replay(probe);
  const drawMs = (performance.now() - almostThere) / SETTLING;
  const replayMs = (startFrame - probe) * source.passMs;
  if (replayMs < WORTH_SHARE * options.frameCount * drawMs) return source.replay(startFrame);
  const jumped = await pictureByJump(source, options, scope, url, probe);
  return jumped && replayed?.equals(jumped) ? source.jump(startFrame) : source.replay(startFrame);
}

/** The frame before this one, drawn as the source does by a page of its own that was taken straight there. */
async function pictureByJump(
  source: ScreenshotSource,
  options: ResolvedOptions,
  scope: JobScope,
  url: string,
  frame: number,
): Promise<Buffer | undefined> {
  // By the same driver: two draw WebGL differently.
  const same = { ...options, webgl: source.page.options.webgl, webgpu: source.page.options.webgpu };
  await using session = await BrowserSession.open(scope, same, source.page.session.pool);
  return await scope.guard(async () => {
    const page = await loadPage(session, scope, same, url);
    // A canvas into which a page is drawn smooths edges in its own way.
    await using trial = source instanceof ElementSource ? await openSource(page) : new ScreenshotSource(page);
    await scope.enter('seek');
    return await trial.jump(frame);
  });
}
