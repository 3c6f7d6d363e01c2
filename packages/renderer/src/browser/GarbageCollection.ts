import type { JobScope } from '../lifecycle/JobScope.js';
import type { BrowserSession } from './BrowserSession.js';

/** How many milliseconds the page runs without a collection for each millisecond that the last one took. */
const PAUSE_FACTOR = 100;
/** The time that a collection takes in a page of moderate size, in milliseconds (measured). Used until one was made. */
const USUAL_MS = 15;

/**
 * Collects the page's garbage now and then. A browser does much of that while it is idle, which it never is between
 * frames that are issued one by one: the garbage of each frame would pile up until the limit of the whole process,
 * tens of megabytes for styles and animations alone. Collections take at most a hundredth of the time.
 */
export class GarbageCollection {
  #next = performance.now() + PAUSE_FACTOR * USUAL_MS;

  constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
  ) {}

  /** Collects garbage if it is time to. To be called between two frames. */
  async collectInTime(deadlineMs: number): Promise<void> {
    const begun = performance.now();
    if (begun < this.#next) return;
    const collecting = this.session.send('HeapProfiler.collectGarbage');
    await this.scope.wait(collecting, deadlineMs, 'the page to collect its garbage');
    const ended = performance.now();
    this.#next = ended + PAUSE_FACTOR * (ended - begun);
  }
}
