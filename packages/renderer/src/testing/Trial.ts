import { getEventListeners } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RenderEvent } from '../events.js';
import { withDeadline } from '../lifecycle/abort.js';
import type { RendererOptions, RenderExecutor } from '../types.js';
import { chunkOptions, TEST_PAGE, type Range } from './testPage.js';

export interface TrialRequest extends Range {
  /** Frame at which the page throws. */
  throwAt?: number;
  /** Puts another file at the output's path beforehand. */
  sentinel?: boolean;
  /** Asked after each event or progress report of the executor. */
  onTold?: (trial: Trial) => void;
}

export type Outcome = { status: 'pending' } | { status: 'fulfilled' } | { status: 'rejected'; reason: unknown };

/** One chunk that the executor under test renders into its own folder, with a record of everything it did. */
export class Trial {
  readonly output: string;
  readonly events: RenderEvent[] = [];
  /** The progress as reported. */
  readonly shares: number[] = [];
  /** How many events or progress reports came after the promise had settled. */
  toldLate = 0;
  outcome: Outcome = { status: 'pending' };
  /** Resolves when the executor's promise has settled. Never rejects. */
  readonly settled: Promise<void>;
  readonly #controller = new AbortController();
  readonly #before: string;
  #atSettlement: string | undefined;

  /** `folder` is used by this trial only and is created here. */
  constructor(
    executor: RenderExecutor,
    readonly folder: string,
    readonly request: TrialRequest,
    own: Partial<RendererOptions>,
    worker: number,
    abortedWith?: { reason: unknown },
  ) {
    mkdirSync(folder);
    this.output = join(folder, `part_${worker}.mp4`);
    if (request.sentinel) writeFileSync(this.output, 'what was here before');
    this.#before = this.#list();
    if (abortedWith) this.#controller.abort(abortedWith.reason);
    this.settled = this.#run(executor, own, worker);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The largest share of frames reported, as progress or in a frame event. */
  get share(): number {
    const frames = this.events.map((event) => (event.type === 'frame' ? event.rendered / event.total : 0));
    return Math.max(0, ...this.shares, ...frames);
  }

  get listeners(): number {
    return getEventListeners(this.signal, 'abort').length;
  }

  /** `undefined` aborts as `controller.abort()` does: with an AbortError of its own. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Whether the promise settles within this many milliseconds. */
  async settlesWithin(ms: number): Promise<boolean> {
    const late = new Error('late');
    try {
      await withDeadline(this.settled, ms, () => late);
      return true;
    } catch {
      return false;
    }
  }

  /** What the chunk had left in its folder when it settled; undefined if nothing. */
  debris(): string | undefined {
    return changed(this.#before, this.#atSettlement);
  }

  /** What has changed in the folder since the promise settled; undefined if nothing has. */
  changes(): string | undefined {
    return changed(this.#atSettlement, this.#list());
  }

  async #run(executor: RenderExecutor, own: Partial<RendererOptions>, worker: number): Promise<void> {
    const tell = (note: () => void) => {
      if (this.outcome.status !== 'pending') this.toldLate += 1;
      note();
      this.request.onTold?.(this);
    };
    const { startFrame, frameCount, throwAt } = this.request;
    const options = chunkOptions({ startFrame, frameCount }, own, throwAt);
    let outcome: Outcome;
    try {
      await executor.render(TEST_PAGE, this.output, options, {
        signal: this.signal,
        worker,
        onProgress: (share) => tell(() => this.shares.push(share)),
        onEvent: (event) => tell(() => this.events.push(event)),
      });
      outcome = { status: 'fulfilled' };
    } catch (reason) {
      outcome = { status: 'rejected', reason };
    }
    this.outcome = outcome;
    this.#atSettlement = this.#list();
  }

  /** The files with size and time of change, as one text. */
  #list(): string {
    const names = readdirSync(this.folder).sort();
    return names
      .map((name) => {
        const found = statSync(join(this.folder, name), { throwIfNoEntry: false });
        return found ? `${name} (${found.size} bytes, of ${found.mtime.toISOString()})` : `${name} (gone)`;
      })
      .join(', ');
  }
}

function changed(before: string | undefined, after: string | undefined): string | undefined {
  return before === undefined || after === undefined || before === after
    ? undefined
    : `${after || 'nothing'} where ${before || 'nothing'} was`;
}
