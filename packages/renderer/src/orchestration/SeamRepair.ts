import type { SeamError } from '../errors.js';
import type { SeamPicture, SeamSide } from '../events.js';
import { SeamAudit, type Rerender, type BrokenSeam } from './SeamAudit.js';
import { measureSeam, saveSeamPictures, seamDifferences, seamError } from './seamFailure.js';
import type { RenderChunk, RenderReport, SeamDifference } from '../types.js';
import { wordsOf } from '../unknowns.js';
import type { WorkerContext } from './WorkerContext.js';

/**
 * What is done about the seams of one render. Where one does not fit, chunks are to be rendered again in a way that may
 * mend it; when nothing is left to try, the render fails, or goes on with a warning, as the option `seams` says.
 */
export class SeamRepair {
  readonly audit: SeamAudit;
  readonly #context: WorkerContext;
  /** Chunks that are to be rendered again, with how their pages are to come to them. */
  readonly #again = new Map<RenderChunk, Rerender['entry']>();
  /** The same of those that have been begun again. */
  readonly #entries = new Map<RenderChunk, Rerender['entry']>();
  /** Work on pictures that goes on beside the rendering. */
  readonly #pictureWork: Promise<void>[] = [];
  /** Seams that do not fit and are in the video all the same. */
  readonly #differing: SeamDifference[] = [];
  /** When the frames began to be drawn again. */
  #drawingSince: number | undefined;
  #broken: SeamError | undefined;

  constructor(context: WorkerContext) {
    this.#context = context;
    this.audit = new SeamAudit(context.run.plan.chunks, context.directory);
  }

  /** Compares a seam of which one more side is known, and decides in this tick what is to be done. */
  judge(chunk: RenderChunk, side: SeamSide, { frame, hash, jumped, drawn, exact }: SeamPicture): void {
    const { plan, fail, group, options } = this.#context.run;
    const picture = { frame, hash, jumped, exact, ...(drawn === undefined ? {} : { drawn }) };
    const verdict = this.audit.told(chunk.index, side, picture);
    if (verdict === 'open') return;
    if (verdict === 'fits') {
      const seam = side === 'entry' ? chunk.index : chunk.index + 1;
      this.#beside('the pictures of a seam could not be removed', this.audit.discard(seam));
    } else if ('again' in verdict) {
      this.#renderAgain(verdict.again);
    } else if (options.seams === 'warn') {
      this.#beside('a seam could not be measured', this.#accept(verdict.broken));
    } else if (!group.signal.aborted) {
      this.#broken = seamError(this.audit, plan, verdict.broken);
      fail(this.#broken);
    }
  }

  /** Whether a chunk is to be rendered again once the workers have finished their present chunks. */
  mustRerender(chunk: RenderChunk): boolean {
    return this.#again.has(chunk);
  }

  /** Takes the chunks that are to be rendered again; what is known of their seams is forgotten. */
  takeRerenders(): RenderChunk[] {
    const due = this.#context.run.plan.chunks.filter((chunk) => this.#again.has(chunk));
    for (const chunk of due) {
      const entry = this.#again.get(chunk)!;
      if (entry === 'draw') this.#drawingSince ??= performance.now();
      this.audit.forget(chunk.index, entry);
      this.#entries.set(chunk, entry);
    }
    this.#again.clear();
    return due;
  }

  /**
   * How many workers render at once. One page that draws every frame in order is faster than several that each draw
   * all the frames before theirs.
   */
  get workers(): number {
    return this.#drawingSince === undefined ? this.#context.run.plan.concurrency : 1;
  }

  /** How the page of a chunk comes to its first frame, when that is not as planned. */
  entryOf(chunk: RenderChunk): Rerender['entry'] | undefined {
    return this.#entries.get(chunk);
  }

  /** Says what it has cost, after the last chunk. */
  reportCost(): void {
    if (this.#drawingSince === undefined) return;
    const seconds = ((performance.now() - this.#drawingSince) / 1000).toFixed(1);
    this.#warn(`drawing the frames again by one worker took ${seconds} s`);
  }

  /** Waits until no more pictures are written or removed. Never rejects: the cause of a stop comes out whatever fails here. */
  async settle(): Promise<void> {
    await Promise.all(this.#pictureWork);
    if (!this.#broken) return;
    const { plan } = this.#context.run;
    this.#beside('the pictures of the seam could not be saved', saveSeamPictures(this.audit, plan, this.#broken));
    await Promise.all(this.#pictureWork);
  }

  report(): RenderReport['seams'] {
    const differing = this.#differing.toSorted((one, other) => one.frame - other.frame);
    return { ...this.audit.report(), ...(differing.length > 0 ? { differing } : {}) };
  }

  #renderAgain({ chunks, entry, seam }: Rerender): void {
    const { plan, journal } = this.#context.run;
    const isNew = ![...this.#again.values()].includes(entry);
    for (const index of chunks) {
      const chunk = plan.chunks[index]!;
      if (this.#again.get(chunk) !== 'draw') this.#again.set(chunk, entry);
    }
    // Each way is told of once, by the first seam that needs it.
    if (!isNew) return;
    const differences = seamDifferences(this.audit, seam).join('; ');
    const what = `frame ${seam.frame} came out differently in two workers (${differences})`;
    if (entry === 'replay') {
      this.#warn(`${what}: the page has state, and is taken there again through every frame (entry: replay)`);
      return;
    }
    const last = plan.chunks[Math.max(...chunks)]!;
    const frames = last.startFrame + last.frameCount;
    const seconds = Math.max(1, Math.round((journal.msPerFrame * frames) / 1000));
    this.#warn(
      `${what}: frames 0 to ${frames - 1} are drawn again, in order, by one worker, which takes about ${seconds} s`,
    );
  }

  /** Takes note of a seam that does not fit, with how far its pictures are apart. */
  async #accept(seam: BrokenSeam): Promise<void> {
    const difference = await measureSeam(this.audit, seam);
    this.#differing.push(difference);
    const { frame, psnr, maxDifference, differences } = difference;
    const size = psnr === undefined ? '' : ` by up to ${maxDifference} of 255 levels (PSNR ${psnr.toFixed(1)} dB)`;
    this.#warn(`frame ${frame} came out differently in two workers${size}: ${differences.join('; ')}`);
  }

  /** Lets work on pictures go on beside the rendering, which is right without it: a failure is a warning. */
  #beside(problem: string, work: Promise<void>): void {
    this.#pictureWork.push(work.catch((error: unknown) => this.#warn(`${problem}: ${wordsOf(error)}`)));
  }

  #warn(message: string): void {
    this.#context.run.journal.record({ type: 'warning', message });
  }
}
