import type { BrowserPool } from '../browser/BrowserPool.js';
import { UnseenDrawingError } from '../browser/PageSession.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { isA } from '../unknowns.js';
import type { ScreenshotSource } from './ScreenshotSource.js';
import type { WorkerPage } from './WorkerPage.js';

/** A replay shorter than this is no reason for a warning, in milliseconds. */
const LONG_REPLAY_MS = 5000;
/** Nor is one whose frames take less than this share of the time of a frame that is drawn. */
const COSTLY_SHARE = 0.5;

/** A page at the first frame of a range. */
interface Entered {
  source: ScreenshotSource;
  /** The picture of the frame before the range; undefined when the page stood there already, or there is none. */
  before: Buffer | undefined;
}

/** Opens the page, or goes on with the one that is there, and takes it to the first frame of the options' range. */
export async function seekToStart(
  workerPage: WorkerPage,
  scope: JobScope,
  options: ResolvedOptions,
  url: string,
  pool?: BrowserPool,
): Promise<Entered> {
  let source = await workerPage.open(scope, options, url, pool);
  try {
    return { source, before: await enter(source, options, scope) };
  } catch (error) {
    if (!isA(error, UnseenDrawingError)) throw error;
  }
  source = await workerPage.openDrawingAll(scope, options, url, pool);
  return { source, before: await enter(source, options, scope) };
}

/** Takes the page there as `entry` says: through every frame before it, drawn or not, or straight there. */
async function enter(source: ScreenshotSource, options: ResolvedOptions, scope: JobScope): Promise<Buffer | undefined> {
  await scope.enter('seek');
  const { startFrame, entry } = options;
  if (entry === 'seek') return source.jump(startFrame);
  const before = await source.replay(startFrame, entry === 'draw');
  const { undrawn, drawn } = source.passed;
  const share = undrawn.ms / undrawn.frames / (drawn.ms / drawn.frames);
  if (undrawn.ms > LONG_REPLAY_MS && share > COSTLY_SHARE) warnOfCost(scope, startFrame, undrawn.ms);
  return before;
}

function warnOfCost(scope: JobScope, startFrame: number, ms: number): void {
  const message =
    `to reach frame ${startFrame} the page ran through every frame before it, which took ${(ms / 1000).toFixed(1)} s: ` +
    'almost as long as drawing them, so that more workers do not make this render faster. If the picture of this ' +
    'page depends on the time alone, declare it: {"entry": "seek"} (genlock verify tries whether it does)';
  scope.emit({ type: 'warning', message, worker: scope.worker });
}
