import { MultiBar } from 'cli-progress';
import pc from 'picocolors';
import type { RenderEvent, RenderPlan } from '@genlock/renderer';
import { foldEvent, startProgress, type Progress } from '../progress.js';
import type { Display, DisplayOptions } from './Display.js';
import { totalLine, workerLine } from './lines.js';
import { createNotes } from './notes.js';

/** How often the bars are redrawn, whatever the speed of the render. */
const REDRAWS_PER_SECOND = 8;
/** Rows kept free for messages when there are many workers. */
const SPARE_ROWS = 4;
const PLAIN = pc.createColors(false);

/**
 * One line per worker and one for the total, redrawn a few times a second, so that a frame costs no more than
 * updating the progress.
 */
export class BarsDisplay implements Display {
  readonly #notes: (event: RenderEvent) => string | undefined;
  #progress: Progress | undefined;
  #bars: MultiBar | undefined;
  #ending = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    options: DisplayOptions,
  ) {
    this.#notes = createNotes(options);
  }

  begin(plan: RenderPlan): void {
    const progress = startProgress(plan);
    const colors = pc.createColors(pc.isColorSupported);
    this.#progress = progress;
    this.#bars = new MultiBar({
      stream: this.stream,
      fps: REDRAWS_PER_SECOND,
      hideCursor: true,
      // Messages push the bars down, so that every line must be drawn again.
      forceRedraw: true,
      // Only our own code handles signals.
      gracefulExit: false,
      format: (_options, params: { maxWidth?: number }, payload: { worker?: number }) => {
        const width = (params.maxWidth ?? 80) - 1;
        const worker = payload.worker === undefined ? undefined : progress.workers[payload.worker];
        // cli-progress cuts the last drawing at the terminal's width and counts colour codes as characters.
        const paint = this.#ending ? PLAIN : colors;
        return worker ? workerLine(worker, width, paint) : totalLine(progress, performance.now(), width, paint);
      },
    });
    if (plan.concurrency + SPARE_ROWS <= (this.stream.rows || 24)) {
      for (let worker = 0; worker < plan.concurrency; worker++) this.#bars.create(1, 0, { worker });
    }
    this.#bars.create(1, 0, {});
  }

  event(event: RenderEvent): void {
    if (this.#progress) foldEvent(this.#progress, event, performance.now());
    const note = this.#notes(event);
    if (note === undefined) return;
    if (this.#bars) this.#bars.log(`${wrap(note, (this.stream.columns || 80) - 1)}\n`);
    else this.stream.write(`${note}\n`);
  }

  end(): void {
    this.#ending = true;
    this.#bars?.stop();
    this.#bars = undefined;
    this.#progress = undefined;
  }
}

/** Wraps text by hand, because the terminal does not wrap lines while the bars are shown. */
function wrap(text: string, width: number): string {
  const pieces = text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${Math.max(width, 20)}}`, 'gu')) ?? ['']);
  // Each line overwrites a bar, whose rest must be cleared.
  return pieces.map((piece) => `${piece}\u001b[K`).join('\n');
}
