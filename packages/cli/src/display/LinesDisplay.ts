import type { RenderEvent, RenderPlan } from '@genlock/renderer';
import { formatFrameRate } from '@genlock/renderer/internal';
import { formatClock, formatRange, plural, round } from '../format.js';
import { foldEvent, secondsLeft, speed, startProgress, type Progress } from '../progress.js';
import type { Display, DisplayOptions } from './Display.js';
import { createNotes } from './notes.js';

/** A line is written each time this share of the frames has been added. */
const STEP_PERCENT = 10;

const PHASE_LINES: Readonly<Record<string, string>> = {
  verify: 'checking the parts',
  concat: 'joining the parts',
};

/** Plain lines for logs and pipes: at the start, at every 10 %, and for joining. */
export class LinesDisplay implements Display {
  readonly #notes: (event: RenderEvent) => string | undefined;
  #progress: Progress | undefined;
  #shown = 0;

  constructor(
    private readonly write: (line: string) => void,
    private readonly options: DisplayOptions,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#notes = createNotes(options);
  }

  begin(plan: RenderPlan, opening?: string): void {
    this.#progress = startProgress(plan);
    if (opening !== undefined) {
      this.write(opening);
      return;
    }
    const { width, height, fps, frameCount, chunks, concurrency } = plan;
    const ranges = chunks.length === concurrency ? chunks.map(formatRange).join(', ') : plural(chunks.length, 'chunk');
    this.write(
      `rendering ${plural(frameCount, 'frame')} at ${width}x${height}, ${formatFrameRate(fps)} frames/s, ` +
        `with ${plural(concurrency, 'worker')}: ${ranges}`,
    );
  }

  event(event: RenderEvent): void {
    const note = this.#notes(event);
    if (note !== undefined) this.write(note);
    const progress = this.#progress;
    if (!progress) return;
    const now = this.clock();
    const before = progress.phase;
    foldEvent(progress, event, now);
    if (event.type === 'frame') this.#showShare(progress, now);
    if (event.type === 'chunk' && event.state === 'again') this.#shown = stepOf(progress);
    if (!this.options.verbose && progress.phase !== before && PHASE_LINES[progress.phase!]) {
      this.write(PHASE_LINES[progress.phase!]!);
    }
  }

  end(): void {
    this.#progress = undefined;
  }

  #showShare(progress: Progress, now: number): void {
    const step = stepOf(progress);
    if (step <= this.#shown) return;
    this.#shown = step;
    const rate = speed(progress, now);
    const left = secondsLeft(progress, now);
    const pace = rate === undefined ? '' : `, ${round(rate, 1)} frames/s`;
    const rest = left === undefined || step === 100 ? '' : `, ${formatClock(left)} left`;
    this.write(`${String(step).padStart(3)}%  ${progress.rendered}/${progress.total} frames${pace}${rest}`);
  }
}

/** The share of finished frames in percent, rounded down to a full step. */
function stepOf({ rendered, total }: Progress): number {
  const percent = Math.floor((rendered * 100) / total);
  return percent - (percent % STEP_PERCENT);
}
