import type { SeamError } from '../errors.js';
import type { SeamPicture, SeamSide } from '../events.js';
import { SeamAudit, type Rerender, type BrokenSeam } from './SeamAudit.js';
import { measureSeam, saveSeamPictures, seamDifferences, seamError } from './seamFailure.js';
import type { RenderChunk, RenderReport, SeamDifference } from '../types.js';
import { messageOf } from '../unknowns.js';
import type { WorkerContext } from './WorkerContext.js';

/**
 * Handles the seams of one render. If a seam differs, chunks are rendered again in a way that may resolve the
 * difference. If nothing is left to try, the render fails or continues with a warning, depending on the option `seams`.
 */
export class SeamRepair {
  readonly audit: SeamAudit;
  readonly #context: WorkerContext;
  /** Chunks that must be rendered again, and how their pages reach the first frame. */
  readonly #pending = new Map<RenderChunk, Rerender['entry']>();
  /** Chunks that are being rendered again or already have been, and how their pages reach the first frame. */
  readonly #entries = new Map<RenderChunk, Rerender['entry']>();
  /** Work on pictures that continues in the background while chunks are rendered. */
  readonly #pictureWork: Promise<void>[] = [];
  /** Differing seams that remain in the video. */
  readonly #differing: SeamDifference[] = [];
  /** When one worker began to draw all frames again. */
  #drawingSince: number | undefined;
  #broken: SeamError | undefined;

  constructor(context: WorkerContext) {
    this.#context = context;
    this.audit = new SeamAudit(context.run.plan.chunks, context.directory);
  }

  /** Records one side of a seam, compares it with the other, and decides in this tick what to do. */
  judge(chunk: RenderChunk, side: SeamSide, { frame, hash, jumped, drawn, exact }: SeamPicture): void {
    const { plan, fail, group, options } = this.#context.run;
    const picture = { frame, hash, jumped, exact, ...(drawn === undefined ? {} : { drawn }) };
    const verdict = this.audit.record(chunk.index, side, picture);
    if (verdict === 'open') return;
    if (verdict === 'matches') {
      const seam = side === 'entry' ? chunk.index : chunk.index + 1;
      this.#inBackground('the pictures of a seam could not be removed', this.audit.discard(seam));
    } else if ('rerender' in verdict) {
      this.#scheduleRerender(verdict.rerender);
    } else if (options.seams === 'warn') {
      this.#inBackground('a seam could not be measured', this.#accept(verdict.broken));
    } else if (!group.signal.aborted) {
      this.#broken = seamError(this.audit, plan, verdict.broken);
      fail(this.#broken);
    }
  }

  /** Whether a chunk must be rendered again once the workers have finished their current chunks. */
  mustRerender(chunk: RenderChunk): boolean {
    return this.#pending.has(chunk);
  }

  /** Takes the chunks that must be rendered again. The pictures of their seams are forgotten. */
  takeRerenders(): RenderChunk[] {
    const due = this.#context.run.plan.chunks.filter((chunk) => this.#pending.has(chunk));
    for (const chunk of due) {
      const entry = this.#pending.get(chunk)!;
      if (entry === 'draw') this.#drawingSince ??= performance.now();
      this.audit.forget(chunk.index, entry);
      this.#entries.set(chunk, entry);
    }
    this.#pending.clear();
    return due;
  }

  /**
   * How many workers render at once. One page that draws every frame in order is faster than several of which each
   * draws all frames before its own.
   */
  get workers(): number {
    return this.#drawingSince === undefined ? this.#context.run.plan.concurrency : 1;
  }

  /** How the page of a chunk reaches its first frame, if different from the plan. */
  entryOf(chunk: RenderChunk): Rerender['entry'] | undefined {
    return this.#entries.get(chunk);
  }

  /** Reports how long the extra drawing took, after the last chunk. */
  reportCost(): void {
    if (this.#drawingSince === undefined) return;
    const seconds = ((performance.now() - this.#drawingSince) / 1000).toFixed(1);
    this.#warn(`drawing the frames again with one worker took ${seconds} s`);
  }

  /** Waits until all work on pictures is done. Never rejects, so that it cannot hide the cause of a stop. */
  async settle(): Promise<void> {
    await Promise.all(this.#pictureWork);
    if (!this.#broken) return;
    const { plan } = this.#context.run;
    this.#inBackground('the pictures of the seam could not be saved', saveSeamPictures(this.audit, plan, this.#broken));
    await Promise.all(this.#pictureWork);
  }

  report(): RenderReport['seams'] {
    const differing = this.#differing.toSorted((one, other) => one.frame - other.frame);
    return { ...this.audit.report(), ...(differing.length > 0 ? { differing } : {}) };
  }

  #scheduleRerender({ chunks, entry, seam }: Rerender): void {
    const { plan, journal } = this.#context.run;
    const isNew = ![...this.#pending.values()].includes(entry);
    for (const index of chunks) {
      const chunk = plan.chunks[index]!;
      if (this.#pending.get(chunk) !== 'draw') this.#pending.set(chunk, entry);
    }
    // Each way is reported once, for the first seam that needs it.
    if (!isNew) return;
    const differences = seamDifferences(this.audit, seam).join('; ');
    const what = `frame ${seam.frame} came out differently in two workers (${differences})`;
    if (entry === 'replay') {
      this.#warn(`${what}: the page has state, so its chunks are rendered again through every frame (entry: replay)`);
      return;
    }
    const last = plan.chunks[Math.max(...chunks)]!;
    const frames = last.startFrame + last.frameCount;
    const seconds = Math.max(1, Math.round((journal.msPerFrame * frames) / 1000));
    this.#warn(
      `${what}: one worker now draws frames 0 to ${frames - 1} again, in order, which takes about ${seconds} s`,
    );
  }

  /** Accepts a differing seam with a warning that says how far its pictures differ. */
  async #accept(seam: BrokenSeam): Promise<void> {
    const difference = await measureSeam(this.audit, seam);
    this.#differing.push(difference);
    const { frame, psnr, maxDifference, differences } = difference;
    const size = psnr === undefined ? '' : ` by up to ${maxDifference} of 255 levels (PSNR ${psnr.toFixed(1)} dB)`;
    this.#warn(`frame ${frame} came out differently in two workers${size}: ${differences.join('; ')}`);
  }

  /** Does work on pictures in the background. A failure is only a warning, since the video is right without it. */
  #inBackground(problem: string, work: Promise<void>): void {
    this.#pictureWork.push(work.catch((error: unknown) => this.#warn(`${problem}: ${messageOf(error)}`)));
  }

  #warn(message: string): void {
    this.#context.run.journal.record({ type: 'warning', message });
  }
}
