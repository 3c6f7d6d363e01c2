import type { JobScope } from '../lifecycle/JobScope.js';
import type { BrowserSession } from './BrowserSession.js';

/** For each millisecond of a collection the page then runs so many without one. */
const REST = 100;
/** A collection of a page of moderate size, in milliseconds; measured. Until one was made, it stands for it. */
const USUAL_MS = 15;

/**
 * Collects the page's garbage now and then. A browser does much of that while it idles, which it never does
 * between frames that are issued one by one: what each frame leaves would pile up until the limit of the whole
 * process, tens of megabytes for styles and animations alone. It takes at most a hundredth of the time.
 */
export class GarbageCollection {
  #next = performance.now() + REST * USUAL_MS;

  constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
  ) {}

  /** Collects if it is time. Between two frames. */
  async collectInTime(deadlineMs: number): Promise<void> {
    const begun = performance.now();
    if (begun < this.#next) return;
    const collecting = this.session.send('HeapProfiler.collectGarbage');
    await this.scope.wait(collecting, deadlineMs, 'the page to collect its garbage');
    const ended = performance.now();
    this.#next = ended + REST * (ended - begun);
  }
}
