import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import { REPOSITORY } from '../../packages/renderer/tests/support/repository.js';

const examples = join(REPOSITORY, 'examples');
const launcher = join(REPOSITORY, 'packages/cli/bin/genlock.js');
const expectedFolder = join(examples, 'tests', 'expected');
const run = promisify(execFile);

/**
 * The pages, with how many frames they are tried for, their rate, and the frames of which there are
 * pictures. Slow ones take long for each frame, also for those that are not drawn.
 */
const PAGES: Record<string, { frames: number; rate: string; chosen: number[]; slow?: true }> = {
  'title-sequence': { frames: 90, rate: '30/1', chosen: [20, 60, 89] },
  'gsap-timeline': { frames: 60, rate: '30/1', chosen: [0, 20, 59] },
  lottie: { frames: 60, rate: '30/1', chosen: [15, 40, 59] },
  three: { frames: 15, rate: '30/1', chosen: [0, 14], slow: true },
  'animate-css': { frames: 60, rate: '30/1', chosen: [10, 30, 59] },
  'd3-chart': { frames: 60, rate: '30/1', chosen: [10, 40, 59] },
  particles: { frames: 60, rate: '60/1', chosen: [1, 30, 59] },
  'web-font': { frames: 50, rate: '25/1', chosen: [0, 25, 49] },
  smil: { frames: 90, rate: '30/1', chosen: [15, 45, 89] },
  'data-driven': { frames: 60, rate: '30000/1001', chosen: [5, 30, 59] },
  'dom-cards': { frames: 20, rate: '30/1', chosen: [0, 19] },
  'canvas-shapes': { frames: 20, rate: '30/1', chosen: [0, 19] },
};

/** The stored pictures are 320 pixels wide. Share of their pixels that may differ visibly from the stored picture. */
const TOLERANCE = 0.01;

interface Part {
  first: number;
  last: number;
}

async function render(
  page: string,
  { first, last }: Part,
  folder: string,
  concurrency: number,
): Promise<{ video: string; hashes: string[] }> {
  const video = join(folder, `${page}-${concurrency}.mkv`);
  const list = `${video}.hashes`;
  await run(process.execPath, [
    ...[launcher, 'render', join(examples, `${page}.html`), '-o', video, '--concurrency', String(concurrency)],
    ...['--frames', `${first}-${last}`, '--scale', '0.5', '--lossless', '--frame-hashes', list],
  ]);
  return { video, hashes: readFileSync(list, 'utf8').trimEnd().split('\n') };
}

async function frameOf(video: string, frame: number): Promise<PNG> {
  const select = ['-vf', String.raw`select=eq(n\,${frame}),scale=320:-2:flags=area`, '-frames:v', '1'];
  const args = ['-v', 'error', '-i', video, ...select, '-f', 'image2pipe', '-c:v', 'png', '-'];
  const { stdout } = await run('ffmpeg', args, { encoding: 'buffer', maxBuffer: 1 << 26 });
  return PNG.sync.read(stdout);
}

function compare(page: string, frame: number, picture: PNG): void {
  const path = join(expectedFolder, `${page}-${frame}.png`);
  if (process.env['UPDATE_EXPECTED']) {
    mkdirSync(expectedFolder, { recursive: true });
    writeFileSync(path, PNG.sync.write(picture));
    return;
  }
  assert.ok(existsSync(path), `no expected picture ${path}`);
  const expected = PNG.sync.read(readFileSync(path));
  assert.deepEqual([picture.width, picture.height], [expected.width, expected.height]);
  const different = pixelmatch(picture.data, expected.data, undefined, picture.width, picture.height, {
    threshold: 0.15,
  });
  const share = different / (picture.width * picture.height);
  assert.ok(
    share <= TOLERANCE,
    `${page}, frame ${frame}: ${(share * 100).toFixed(2)}% of the pixels differ from ${path}`,
  );
}

/** How much of each page is rendered. */
export interface Extent {
  /** Names of pages. Default: all. */
  pages?: readonly string[];
  /** Once by each of these numbers of workers. */
  workers: readonly [number, ...number[]];
  /** So many frames with one of the pictures among them; all without it. */
  frames?: number;
}

function partOf(page: string, { frames: wanted }: Extent): Part {
  const { frames, chosen, slow } = PAGES[page]!;
  if (wanted === undefined) return { first: 0, last: frames - 1 };
  if (slow) return { first: 0, last: wanted - 1 };
  const last = Math.min(chosen[chosen.length >> 1]! + 1, frames - 1);
  return { first: last - wanted + 1, last };
}

/**
 * Renders every example through the command line and compares: the hash of each captured frame between
 * the numbers of workers (exact: no frame lost, doubled or out of order), and chosen frames with
 * pictures that somebody has looked at (within what antialiasing may differ).
 * `UPDATE_EXPECTED=1` writes those pictures anew: look at them before they are committed.
 */
export function testExamples(extent: Extent): void {
  for (const page of extent.pages ?? Object.keys(PAGES)) {
    const { rate, chosen } = PAGES[page]!;
    const part = partOf(page, extent);
    const frames = part.last - part.first + 1;
    const pictures = chosen.filter((frame) => frame >= part.first && frame <= part.last);
    assert.ok(pictures.length > 0, page);
    const name = `${page}, frames ${part.first} to ${part.last}, by ${extent.workers.join(' and ')} workers`;
    test(`${name}: the same from each, and looks as it should`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'genlock-test-'));
      try {
        const [first, ...others] = extent.workers;
        const { video, hashes } = await render(page, part, folder, first);
        for (const workers of others) assert.deepEqual((await render(page, part, folder, workers)).hashes, hashes);
        assert.equal(hashes.length, frames);
        const entries = 'stream=nb_read_packets,r_frame_rate';
        const probe = ['-v', 'error', '-count_packets', '-show_entries', entries, '-of', 'csv=p=0', video];
        assert.equal((await run('ffprobe', probe)).stdout.trim(), `${rate},${frames}`);
        for (const frame of pictures) compare(page, frame, await frameOf(video, frame - part.first));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
}
