import { MultiBar } from 'cli-progress';
import pc from 'picocolors';
import type { RenderEvent, RenderPlan } from '@genlock/renderer';
import { foldEvent, startProgress, type Progress } from '../progress.js';
import type { Display, Telling } from './Display.js';
import { totalLine, workerLine } from './lines.js';
import { createNotes } from './notes.js';

/** How often the terminal is drawn, whatever the speed of the render. */
const REDRAWS_PER_SECOND = 8;
/** Lines that are left to the messages when there are many workers. */
const SPARE_ROWS = 4;
const PLAIN = pc.createColors(false);

/**
 * One line for each worker and one for all, redrawn a few times a second from the progress: a frame
 * costs no more than adding it up.
 */
export class BarsDisplay implements Display {
  readonly #notes: (event: RenderEvent) => string | undefined;
  #progress: Progress | undefined;
  #bars: MultiBar | undefined;
  #ending = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    telling: Telling,
  ) {
    this.#notes = createNotes(telling);
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
      // Signals are ours alone.
      gracefulExit: false,
      format: (_options, params: { maxWidth?: number }, payload: { worker?: number }) => {
        const width = (params.maxWidth ?? 80) - 1;
        const worker = payload.worker === undefined ? undefined : progress.workers[payload.worker];
        // The last drawing is cut at the terminal's width, with colours counted as characters.
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

/** The terminal does not wrap lines while the bars are on it. */
function wrap(text: string, width: number): string {
  const pieces = text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${Math.max(width, 20)}}`, 'gu')) ?? ['']);
  // Each line that is pushed up was a bar before and must be cleared to its end.
  return pieces.map((piece) => `${piece}\u001b[K`).join('\n');
}
