/** The part of the bench that measures speed: all cases in turns, and the floor of each page. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '@genlock/renderer/internal';
import { SPEED_PAGES, type SpeedCase, type SpeedPage } from './cases.js';
import { runSpeed } from './child.js';
import type { Flags } from './flags.js';
import { measureFloor, type Floor } from './floor.js';
import { compare, type Quality } from './quality.js';
import { makeReference } from './reference.js';
import type { SpeedFigures } from './report.js';

/** Frames of the lossless video, of the floor, and so of the comparison. */
const SAMPLE_FRAMES = 60;

export interface Speed {
  figures: SpeedFigures[];
  floors: Floor[];
}

/** Every page with every mode and number of workers. */
export function speedCases({ pages, modes, workers }: Pick<Flags, 'pages' | 'modes' | 'workers'>): SpeedCase[] {
  return pages.flatMap((page) => modes.flatMap((mode) => workers.map((count) => ({ page, mode, workers: count }))));
}

export async function measureSpeedPart(flags: Flags, signal: AbortSignal, say: (line: string) => void): Promise<Speed> {
  const folder = await mkdtemp(join(tmpdir(), 'genlock-bench-'));
  try {
    const sample = { frames: Math.min(SAMPLE_FRAMES, flags.frames), folder, signal };
    const references = new Map<SpeedPage, string>();
    const floors: Floor[] = [];
    for (const page of flags.pages) {
      const { page: file, scale } = SPEED_PAGES[page];
      const reference = await makeReference(file, sample.frames, folder, signal, scale);
      references.set(page, reference);
      floors.push(await measureFloor(page, reference, sample));
      say(`floor of ${page}: ${floors.at(-1)!.framesPerSecond.toFixed(2)} frames/s`);
    }
    const { ffmpeg } = await findFfmpeg();
    const look = (page: SpeedPage) => (video: string, own: string) =>
      compare(video, references.get(page)!, { ffmpeg, folder: own, signal });
    return { figures: await measureCases(flags, signal, look, say), floors };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureCases(
  flags: Flags,
  signal: AbortSignal,
  look: (page: SpeedPage) => (video: string, folder: string) => Promise<Quality>,
  say: (line: string) => void,
): Promise<SpeedFigures[]> {
  const figures: SpeedFigures[] = speedCases(flags).map((speed) => ({ case: speed, runs: [] }));
  // In turns: what else happens on the machine falls on all cases alike.
  for (let round = 1; round <= flags.rounds; round++) {
    for (const { case: speed, runs } of figures) {
      const run = await runSpeed(speed, flags.frames, signal, round === 1 ? look(speed.page) : undefined);
      runs.push(run);
      const rate = `${run.framesPerSecond.toFixed(2)} frames/s`;
      say(`speed, round ${round} of ${flags.rounds}: ${speed.page}, ${speed.mode}, ${speed.workers} workers: ${rate}`);
    }
  }
  return figures;
}
