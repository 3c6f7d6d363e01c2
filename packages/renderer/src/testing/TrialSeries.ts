import { setTimeout as delay } from 'node:timers/promises';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { RendererOptions, RenderExecutor } from '../types.js';
import { Trial, type TrialRequest } from './Trial.js';

/** Bounds of what a trial may take, in milliseconds. */
export interface Limits {
  stopMs: number;
  renderMs: number;
  quietMs: number;
}

/** When a chunk is aborted, and with what. */
export interface Moment {
  name: string;
  /** Asked after each event or progress report of the executor; undefined aborts in the tick of the call. */
  reached?: (trial: Trial) => boolean;
  reason: unknown;
}

export interface AbortedTrial {
  moment: Moment;
  trial: Trial;
  /** Milliseconds from the abort to the settled promise; undefined when it had not settled in time. */
  ms: number | undefined;
}

/** Frames of a chunk that is stopped midway. */
export const LONG = { startFrame: 0, frameCount: 20 };

/** Abort reasons of every kind, each of which an executor must pass on unchanged. */
const MOMENTS: readonly Moment[] = [
  { name: 'in the tick of the call', reason: { why: 'an object' } },
  { name: 'at the first event', reached: (trial) => trial.events.length + trial.shares.length > 0, reason: 'a text' },
  { name: 'at the first frame', reached: (trial) => trial.share > 0, reason: undefined },
  { name: 'mid-way', reached: (trial) => trial.share >= 0.5, reason: new Error('mid-way') },
  { name: 'near the end', reached: (trial) => trial.share >= 0.9, reason: null },
];

/** All trials of one executor. A trial that several checks use is run once. */
export class TrialSeries {
  readonly trials: Trial[] = [];
  #aborted: Promise<AbortedTrial[]> | undefined;

  constructor(
    readonly executor: RenderExecutor,
    readonly directory: WorkDirectory,
    readonly own: Partial<RendererOptions>,
    readonly limits: Limits,
  ) {}

  /** Starts to render a chunk. */
  start(request: TrialRequest, worker = 0, abortedWith?: { reason: unknown }): Trial {
    const folder = this.directory.file(`trial-${this.trials.length}`);
    const trial = new Trial(this.executor, folder, request, this.own, worker, abortedWith);
    this.trials.push(trial);
    return trial;
  }

  /** Renders a chunk to its end, or until its time limit. */
  async render(request: TrialRequest): Promise<Trial> {
    const trial = this.start(request);
    await trial.settlesWithin(this.limits.renderMs);
    return trial;
  }

  /** One trial for each moment, run one after the other. */
  aborted(): Promise<AbortedTrial[]> {
    this.#aborted ??= this.#abortAtEveryMoment();
    return this.#aborted;
  }

  /** Aborts one chunk at its first frame, and waits until it has settled. */
  async abortOne(): Promise<void> {
    await this.#abortAt(MOMENTS[2]!, false);
  }

  /** Waits until all trials have settled, or until their time limit. */
  async settle(): Promise<void> {
    await Promise.all(this.trials.map((trial) => trial.settlesWithin(this.limits.stopMs)));
  }

  async quiet(): Promise<void> {
    await delay(this.limits.quietMs);
  }

  async #abortAtEveryMoment(): Promise<AbortedTrial[]> {
    const aborted: AbortedTrial[] = [];
    for (const [index, moment] of MOMENTS.entries()) aborted.push(await this.#abortAt(moment, index % 2 === 0));
    return aborted;
  }

  async #abortAt(moment: Moment, sentinel: boolean): Promise<AbortedTrial> {
    const { reached, reason } = moment;
    let abortedAt: number | undefined;
    let onAborted!: () => void;
    const isAborted = new Promise<void>((resolve) => (onAborted = resolve));
    const abort = (trial: Trial) => {
      abortedAt = performance.now();
      trial.abort(reason);
      onAborted();
    };
    const trial = this.start({
      ...LONG,
      sentinel,
      onTold: (told) => {
        if (abortedAt === undefined && reached?.(told)) abort(told);
      },
    });
    if (!reached) abort(trial);
    const begun = Promise.race([isAborted, trial.settlesWithin(this.limits.renderMs)]);
    await begun;
    const inTime = await trial.settlesWithin(this.limits.stopMs);
    return { moment, trial, ms: inTime && abortedAt !== undefined ? performance.now() - abortedAt : undefined };
  }
}
