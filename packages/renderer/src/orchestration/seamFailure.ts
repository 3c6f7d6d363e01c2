import { existsSync, readFileSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { SeamError } from '../errors.js';
import type { ElementState } from '../page/describe.js';
import { loadPng } from '../png.js';
import { withoutPasswords } from '../redact.js';
import type { BrokenSeam, SeamAudit } from './SeamAudit.js';
import type { RenderPlan, SeamDifference } from '../types.js';

/** How many differences a message lists. More would not help. */
const MAX_DIFFERENCES = 5;
/** Elements that draw their own pixels, which the document's description does not include. */
const OPAQUE = ['canvas', 'video', 'img', 'iframe'];

const ADVICE =
  'All frames were drawn again in order, and it still differs. Make the picture depend only on the frame ' +
  '(genlock.frame, the clock, Math.random), not on anything outside the page, such as a server whose answers change; ' +
  'or render it anyway (seams: warn).';

/** The error of a render whose page drew a frame in two ways. It says what differs in the document. */
export function seamError(audit: SeamAudit, plan: RenderPlan, broken: BrokenSeam): SeamError {
  const { seam, frame } = broken;
  const paths = picturePaths(plan, seam, frame);
  // A chunk that an earlier render has kept comes without its pictures.
  const drawn = (['end', 'entry'] as const).filter((side) => existsSync(audit.files(seam, side).picture));
  const pictures = drawn.map((side) => paths[side]);
  return new SeamError(
    frame,
    [seam - 1, seam],
    seamDifferences(audit, broken),
    drawn.length === 2 ? [...pictures, paths.difference] : pictures,
    ADVICE,
  );
}

/** The differences in the page at a seam, one line each. */
export function seamDifferences(audit: SeamAudit, { seam }: BrokenSeam): string[] {
  const [end, entry] = (['end', 'entry'] as const).map((side) => readPage(audit.files(seam, side).page));
  return differencesOf(end!, entry!);
}

/** Measures how much the two pictures of a seam differ. */
export async function measureSeam(audit: SeamAudit, broken: BrokenSeam): Promise<SeamDifference> {
  const { seam, frame } = broken;
  const differences = seamDifferences(audit, broken);
  const chunks: [number, number] = [seam - 1, seam];
  const files = (['end', 'entry'] as const).map((side) => audit.files(seam, side).picture);
  // A chunk that an earlier render has kept comes without its pictures.
  if (!files.every((file) => existsSync(file))) return { frame, chunks, differences };
  const PNG = await loadPng();
  const [end, entry] = await Promise.all(files.map(async (file) => PNG.sync.read(await readFile(file)).data));
  let [squares, maxDifference] = [0, 0];
  for (let at = 0; at < end!.length; at++) {
    const difference = Math.abs(end![at]! - entry![at]!);
    squares += difference ** 2;
    maxDifference = Math.max(maxDifference, difference);
  }
  // The fourth channel, opacity, is always the same.
  const psnr = 10 * Math.log10(255 ** 2 / (squares / ((end!.length * 3) / 4)));
  return { frame, chunks, differences, psnr, maxDifference };
}

/** Saves the pictures that the error names next to the output: both sides, and their difference. */
export async function saveSeamPictures(audit: SeamAudit, plan: RenderPlan, error: SeamError): Promise<void> {
  const seam = error.chunks[1];
  const paths = picturePaths(plan, seam, error.frame);
  for (const side of ['end', 'entry'] as const) {
    if (error.pictures.includes(paths[side])) await copyFile(audit.files(seam, side).picture, paths[side]);
  }
  if (error.pictures.includes(paths.difference)) {
    await writeFile(paths.difference, await sideBySide(await readFile(paths.end), await readFile(paths.entry)));
  }
}

/** How much of the output's name is used in the names of pictures, in characters. */
const LONGEST_NAME = 60;

function picturePaths({ outputPath }: RenderPlan, seam: number, frame: number) {
  const { dir, name } = parse(outputPath);
  const base = join(dir, `${name.slice(0, LONGEST_NAME)}.frame-${frame}`);
  return {
    end: `${base}.chunk-${seam - 1}.png`,
    entry: `${base}.chunk-${seam}.png`,
    difference: `${base}.difference.png`,
  };
}

function readPage(path: string): ElementState[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ElementState[];
  } catch {
    // The executor has returned only the picture, which has to do.
    return [];
  }
}

/** Describes the differences between two states of the document. */
export function differencesOf(before: readonly ElementState[], after: readonly ElementState[]): string[] {
  const lines: string[] = [];
  if (before.length !== after.length) lines.push(`the document: ${before.length} and ${after.length} visible elements`);
  for (const [index, one] of before.entries()) {
    const other = after[index];
    if (!other || other.name !== one.name) break;
    const looks = Object.keys(one.looks).filter((name) => one.looks[name] !== other.looks[name]);
    const parts = looks.map(
      (name) => `${name} ${JSON.stringify(one.looks[name])} and ${JSON.stringify(other.looks[name])}`,
    );
    if (parts.length === 0 && one.box.some((edge, side) => Math.abs(edge - other.box[side]!) > 0.01)) {
      parts.push(`place ${placeOf(one)} and ${placeOf(other)}`);
    }
    if (parts.length > 0) lines.push(`${one.name}: ${parts.join(', ')}`);
  }
  if (lines.length === 0) {
    const suspects = before.filter(({ name }) => OPAQUE.some((kind) => new RegExp(`(^|> )${kind}\\b`).test(name)));
    const names = suspects.slice(0, MAX_DIFFERENCES).map(({ name }) => name);
    lines.push(names.length > 0 ? `only the pixels; the page has ${names.join(', ')}` : 'only the pixels');
  }
  const more = lines.length - MAX_DIFFERENCES;
  const shown = more > 0 ? [...lines.slice(0, MAX_DIFFERENCES), `and ${more} more`] : lines;
  return shown.map(withoutPasswords);
}

function placeOf({ box }: ElementState): string {
  return `(${box.map((edge) => Math.round(edge * 100) / 100).join(' ')})`;
}

/** The first picture, the second, and a dimmed one on which every pixel that differs is red, side by side. */
export async function sideBySide(first: Buffer, second: Buffer): Promise<Buffer> {
  const PNG = await loadPng();
  const [left, right] = [PNG.sync.read(first), PNG.sync.read(second)];
  const width = Math.max(left.width, right.width);
  const height = Math.max(left.height, right.height);
  const all = new PNG({ width: width * 3, height });
  PNG.bitblt(left, all, 0, 0, left.width, left.height, 0, 0);
  PNG.bitblt(right, all, 0, 0, right.width, right.height, width, 0);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width * 3 + x) * 4;
      const [a, b, c] = [at, at + width * 4, at + width * 8];
      const differs = [0, 1, 2].some((channel) => all.data[a + channel] !== all.data[b + channel]);
      for (let channel = 0; channel < 3; channel++) {
        all.data[c + channel] = differs ? (channel === 0 ? 255 : 0) : 128 + all.data[a + channel]! / 4;
      }
      all.data[c + 3] = 255;
    }
  }
  return PNG.sync.write(all);
}
