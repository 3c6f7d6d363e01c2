import type { BrowserPool } from '../browser/BrowserPool.js';
import { SkippedDrawingError } from '../browser/PageSettler.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { isA } from '../unknowns.js';
import type { ScreenshotSource } from './ScreenshotSource.js';
import type { WorkerPage } from './WorkerPage.js';

/** A replay is worth a warning only if it takes longer than this, in milliseconds... */
const LONG_REPLAY_MS = 5000;
/** ...and if an undrawn frame takes more than this share of the time of a drawn one. */
const COSTLY_SHARE = 0.5;

/** A page at the first frame of a range. */
interface PageAtStart {
  source: ScreenshotSource;
  /** The picture of the frame before the range; undefined if the page was already there or the range starts at 0. */
  previousPicture: Buffer | undefined;
}

/** Opens the page, or continues with the open one, and takes it to the first frame of the range in the options. */
export async function seekToStart(
  workerPage: WorkerPage,
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool?: BrowserPool,
): Promise<PageAtStart> {
  let source = await workerPage.open(scope, options, url, pool);
  try {
    return { source, previousPicture: await advanceToStart(source, options, scope) };
  } catch (error) {
    if (!isA(error, SkippedDrawingError)) throw error;
  }
  source = await workerPage.reopenDrawingAll(scope, options, url, pool);
  return { source, previousPicture: await advanceToStart(source, options, scope) };
}

/**
 * Takes the page to the start frame as the option `entry` says: through every frame before it, drawn or undrawn, or
 * straight there. Returns the picture of the previous frame, as in `PageAtStart`.
 */
async function advanceToStart(
  source: ScreenshotSource,
  options: ResolvedOptions,
  scope: JobScope,
): Promise<Buffer | undefined> {
  await scope.enter('seek');
  const { startFrame, entry } = options;
  if (entry === 'seek') return source.jump(startFrame);
  const previousPicture = await source.replay(startFrame, entry === 'draw');
  const { undrawn, drawn } = source.preroll;
  const share = undrawn.ms / undrawn.frames / (drawn.ms / drawn.frames);
  if (undrawn.ms > LONG_REPLAY_MS && share > COSTLY_SHARE) warnOfCost(scope, startFrame, undrawn.ms);
  return previousPicture;
}

function warnOfCost(scope: JobScope, startFrame: number, ms: number): void {
  const message =
    `to reach frame ${startFrame} the page ran through every frame before it, which took ${(ms / 1000).toFixed(1)} s: ` +
    'almost as long as drawing them, so more workers do not make this render faster. If the picture of this ' +
    'page depends on the time alone, declare it: {"entry": "seek"} (genlock verify checks whether it does)';
  scope.emit({ type: 'warning', message, worker: scope.worker });
}
