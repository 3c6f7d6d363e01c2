import { join } from 'node:path';
import { FPS, pageFile, SPEED_SIZE, type PageName } from './cases.js';
import { CLI } from './paths.js';
import { runProgram } from './program.js';

/** Renders the first frames of a page without loss; returns the file. */
export async function makeReference(
  page: PageName,
  frames: number,
  folder: string,
  signal: AbortSignal,
  scale = 1,
): Promise<string> {
  const output = join(folder, `${page}-${scale}.mkv`);
  const { width, height } = SPEED_SIZE;
  const size = [`--width=${width}`, `--height=${height}`, `--scale=${scale}`, `--fps=${FPS}`];
  const args = [
    'render',
    pageFile(page),
    '-o',
    output,
    '--overwrite',
    '--lossless',
    `--frames=0-${frames - 1}`,
    ...size,
  ];
  const { end, said } = await runProgram(process.execPath, [CLI, ...args], {
    signal,
    timeoutMs: 60_000 + frames * 10_000,
  });
  if (end !== 0) throw new Error(`no lossless video of ${page}: it ended with ${end}: ${said.trim()}`);
  return output;
}
