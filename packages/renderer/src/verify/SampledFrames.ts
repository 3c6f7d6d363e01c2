import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ElementState } from '../page/describe.js';
import { differencesOf, sideBySide } from '../orchestration/seamFailure.js';
import type { Sample, VerifyWay } from './planVerification.js';

/** The way with which the others are compared. */
const REFERENCE: VerifyWay = 'once';

/** The frames drawn in every way: a hash of each, and files of those that are not known to be identical. */
export class SampledFrames {
  readonly #hashes = new Map<string, string>();

  constructor(readonly directory: WorkDirectory) {}

  /** Keeps a frame: its picture as PNG, and a description of the page as JSON. */
  async keep(way: VerifyWay, frame: number, png: Buffer, page: string): Promise<void> {
    const hash = createHash('sha256').update(png).digest('hex');
    this.#hashes.set(key(way, frame), hash);
    if (way !== REFERENCE && this.#hashes.get(key(REFERENCE, frame)) === hash) return;
    const files = this.#files(way, frame);
    await Promise.all([writeFile(files.picture, png), writeFile(files.page, page)]);
  }

  /** The frames of a sample that were drawn differently in this way, in order. */
  differing(way: VerifyWay, { startFrame, frameCount }: Sample): number[] {
    const frames = Array.from({ length: frameCount }, (_, index) => startFrame + index);
    return frames.filter((frame) => this.#hashes.get(key(way, frame)) !== this.#hashes.get(key(REFERENCE, frame)));
  }

  /** The differences in the page at a differing frame, one line each. */
  async differences(way: VerifyWay, frame: number): Promise<string[]> {
    const [one, other] = await Promise.all(
      [REFERENCE, way].map(async (each) => {
        return JSON.parse(await readFile(this.#files(each, frame).page, 'utf8')) as ElementState[];
      }),
    );
    return differencesOf(one!, other!);
  }

  /** The picture of a differing frame: drawn once, drawn in this way, and with the differences in red. */
  async sideBySide(way: VerifyWay, frame: number): Promise<Buffer> {
    const [one, other] = await Promise.all([REFERENCE, way].map((each) => readFile(this.#files(each, frame).picture)));
    return sideBySide(one!, other!);
  }

  #files(way: VerifyWay, frame: number): { picture: string; page: string } {
    const base = this.directory.file(`${way}.${frame}`);
    return { picture: `${base}.png`, page: `${base}.json` };
  }
}

function key(way: VerifyWay, frame: number): string {
  return `${way} ${frame}`;
}
