import { rm } from 'node:fs/promises';
import { seamFiles } from '../capture/seams.js';
import type { SeamPicture, SeamSide } from '../events.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { RenderChunk, RenderReport } from '../types.js';

/**
 * What is known about a seam: `open` while a side is missing or not comparable, `matches` if both sides are equal.
 * If they differ: which chunks to render again and how, or that the seam is broken for good.
 */
export type SeamVerdict = 'open' | 'matches' | { rerender: Rerender } | { broken: BrokenSeam };

/** Chunks to render again, with pages that go through every earlier frame, or that also draw every earlier frame. */
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
 * Compares the two sides of every seam as soon as both are known. Seam `n` lies between chunks
 * `n - 1` and `n`: the last frame of chunk `n - 1` is also drawn, but not written, by chunk `n` before it begins.
 */
export class SeamAudit {
  readonly #sides = new Map<number, Partial<Record<SeamSide, SeamPicture>>>();
  readonly #audited = new Set<number>();
  /** Chunks rendered again with pages that draw every frame. There is nothing else to try for them. */
  readonly #drawn = new Set<number>();

  constructor(
    readonly chunks: readonly RenderChunk[],
    readonly directory: WorkDirectory,
  ) {}

  /** Records one side of a seam. */
  record(chunk: number, side: SeamSide, picture: SeamPicture): SeamVerdict {
    const seam = side === 'entry' ? chunk : chunk + 1;
    const startFrame = this.chunks[seam]?.startFrame;
    // There is no seam at the start of the first chunk and at the end of the last.
    if (seam === 0 || startFrame === undefined || picture.frame !== startFrame - 1) return 'open';
    const { entry, end }: Partial<Record<SeamSide, SeamPicture>> = { ...this.#sides.get(seam), [side]: picture };
    this.#sides.set(seam, { ...(entry ? { entry } : {}), ...(end ? { end } : {}) });
    // Without begin-frame control, pictures may differ invisibly.
    if (!entry?.exact || !end?.exact) return 'open';
    if (entry.hash === end.hash) {
      this.#audited.add(seam);
      return 'matches';
    }
    const broken = { seam, frame: picture.frame };
    // The difference may come from state that a jump has skipped, or from what the compositor remembers of past frames.
    const jumped = [...(end.jumped ? [seam - 1] : []), ...(entry.jumped ? [seam] : [])];
    if (jumped.length > 0) return { rerender: { chunks: jumped, entry: 'replay', seam: broken } };
    if (this.#isDrawn(seam - 1, end) && this.#isDrawn(seam, entry)) return { broken };
    // If one seam differs, others may match by chance, so all chunks are drawn again.
    const undrawn = this.chunks.filter(({ index }) => !this.#isDrawn(index, this.sidesOf(index).end));
    return { rerender: { chunks: undrawn.map(({ index }) => index), entry: 'draw', seam: broken } };
  }

  /** Whether the page of a chunk has drawn every frame from frame 0 on. */
  #isDrawn(chunk: number, picture: SeamPicture | undefined): boolean {
    return picture?.drawn === true || this.#drawn.has(chunk) || this.chunks[chunk]!.startFrame === 0;
  }

  /** Forgets the pictures of a chunk that is rendered again. */
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

  /** The pictures that a chunk has contributed to the seams at its start and end. */
  sidesOf(chunk: number): Partial<Record<SeamSide, SeamPicture>> {
    const [entry, end] = [this.#sides.get(chunk)?.entry, this.#sides.get(chunk + 1)?.end];
    return { ...(entry ? { entry } : {}), ...(end ? { end } : {}) };
  }

  /** Whether a finished chunk's page is known to be right: it went through every frame, or its seam matches. */
  isProven(chunk: number): boolean {
    const { entry, end } = this.sidesOf(chunk);
    const jumped = entry?.jumped ?? end?.jumped ?? false;
    if (!jumped || this.#audited.has(chunk)) return true;
    // A page that continued from the previous chunk is as reliable as that chunk.
    return entry === undefined && chunk > 0 && this.isProven(chunk - 1);
  }

  /** The paths of the picture and of the page's description, for one side of a seam. */
  files(seam: number, side: SeamSide): { picture: string; page: string } {
    const chunk = this.chunks[side === 'entry' ? seam : seam - 1]!;
    return seamFiles(this.directory.file(chunk.options.seamFiles!), side);
  }

  /** Removes the pictures of a matching seam. A long render has hundreds of them. */
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
