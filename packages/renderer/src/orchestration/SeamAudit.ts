import { rm } from 'node:fs/promises';
import { seamFiles } from '../capture/seams.js';
import type { SeamPicture, SeamSide } from '../events.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { RenderChunk, RenderReport } from '../types.js';

/**
 * What is known of a seam: `open` while one side is missing. When the sides differ: which chunks are to be rendered
 * again and how, or that it is broken for good.
 */
export type SeamVerdict = 'open' | 'fits' | { again: Rerender } | { broken: BrokenSeam };

/** Chunks to be rendered again: by pages that see every frame before, or that draw every frame before. */
export interface Rerender {
  chunks: number[];
  entry: 'replay' | 'draw';
  seam: BrokenSeam;
}

/** Two pages drew the frame before chunk `seam` differently. */
export interface BrokenSeam {
  seam: number;
  frame: number;
}

/**
 * Compares the two sides of every seam as soon as both are known. Seam `n` lies between the chunks
 * `n - 1` and `n`: the last frame of the one is drawn, not written, by the other before it begins.
 */
export class SeamAudit {
  readonly #sides = new Map<number, Partial<Record<SeamSide, SeamPicture>>>();
  readonly #audited = new Set<number>();
  /** Chunks that are rendered again by pages that draw every frame: nothing more can be done for them. */
  readonly #drawn = new Set<number>();

  constructor(
    readonly chunks: readonly RenderChunk[],
    readonly directory: WorkDirectory,
  ) {}

  /** Takes note of one side of a seam. */
  told(chunk: number, side: SeamSide, picture: SeamPicture): SeamVerdict {
    const seam = side === 'entry' ? chunk : chunk + 1;
    const startFrame = this.chunks[seam]?.startFrame;
    // The first chunk is entered, and the last one ended, at no seam.
    if (seam === 0 || startFrame === undefined || picture.frame !== startFrame - 1) return 'open';
    const { entry, end }: Partial<Record<SeamSide, SeamPicture>> = { ...this.#sides.get(seam), [side]: picture };
    this.#sides.set(seam, { ...(entry ? { entry } : {}), ...(end ? { end } : {}) });
    // A browser that draws by itself may differ by what nobody sees.
    if (!entry?.exact || !end?.exact) return 'open';
    if (entry.hash === end.hash) {
      this.#audited.add(seam);
      return 'fits';
    }
    const broken = { seam, frame: picture.frame };
    // State that a jump has left out explains it, and so does a compositor that remembers what it drew.
    const jumped = [...(end.jumped ? [seam - 1] : []), ...(entry.jumped ? [seam] : [])];
    if (jumped.length > 0) return { again: { chunks: jumped, entry: 'replay', seam: broken } };
    if (this.#isDrawn(seam - 1, end) && this.#isDrawn(seam, entry)) return { broken };
    // Where one seam does not fit, others may fit by chance.
    const undrawn = this.chunks.filter(({ index }) => !this.#isDrawn(index, this.sidesOf(index).end));
    return { again: { chunks: undrawn.map(({ index }) => index), entry: 'draw', seam: broken } };
  }

  /** Whether the page of a chunk has drawn every frame from frame 0 on. */
  #isDrawn(chunk: number, picture: SeamPicture | undefined): boolean {
    return picture?.drawn === true || this.#drawn.has(chunk) || this.chunks[chunk]!.startFrame === 0;
  }

  /** Forgets what a chunk has told: it is rendered again. */
  forget(chunk: number, entry: Rerender['entry']): void {
    if (entry === 'draw') this.#drawn.add(chunk);
    for (const [seam, side] of [
      [chunk, 'entry'],
      [chunk + 1, 'end'],
    ] as const) {
      delete this.#sides.get(seam)?.[side];
      this.#audited.delete(seam);
    }
  }

  /** What a chunk has told of its own two sides. */
  sidesOf(chunk: number): Partial<Record<SeamSide, SeamPicture>> {
    const [entry, end] = [this.#sides.get(chunk)?.entry, this.#sides.get(chunk + 1)?.end];
    return { ...(entry ? { entry } : {}), ...(end ? { end } : {}) };
  }

  /** Whether a finished chunk is right as far as its page goes: it saw every frame, or its seams say so. */
  isProven(chunk: number): boolean {
    const { entry, end } = this.sidesOf(chunk);
    const jumped = entry?.jumped ?? end?.jumped ?? false;
    if (!jumped || this.#audited.has(chunk)) return true;
    // A page that went on from the chunk before is as good as that.
    return entry === undefined && chunk > 0 && this.isProven(chunk - 1);
  }

  /** The file with the picture and the one with the page, of one side of a seam. */
  files(seam: number, side: SeamSide): { picture: string; page: string } {
    const chunk = this.chunks[side === 'entry' ? seam : seam - 1]!;
    return seamFiles(this.directory.file(chunk.options.seamFiles!), side);
  }

  /** Removes the pictures of a seam that fits: a long render has hundreds. */
  async discard(seam: number): Promise<void> {
    for (const side of ['entry', 'end'] as const) {
      const { picture, page } = this.files(seam, side);
      await Promise.all([rm(picture, { force: true }), rm(page, { force: true })]);
    }
  }

  report(): RenderReport['seams'] {
    const total = this.chunks.length - 1;
    const continued = this.chunks.filter(({ index }) => {
      const sides = this.#sides.get(index);
      return sides?.end !== undefined && sides.entry === undefined;
    });
    return { total, audited: this.#audited.size, continued: continued.length };
  }
}
