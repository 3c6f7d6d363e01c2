import { setTimeout } from 'node:timers/promises';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { Outcome, Rest } from '../page/index.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageContexts } from './PageContexts.js';
import type { PageState, ResponseOrder } from './ResponseOrder.js';

/** The pause between two looks at a page that is still loading, in milliseconds. */
const LOAD_POLL_MS = 10;
/** The pause between two looks at a page that waits for its workers, in milliseconds. */
const WORKER_POLL_MS = 2;

/** Knows when the page is at rest: when it has nothing more to do until the network has something for it. */
export class PageRest {
  #resting: Promise<unknown> = Promise.resolve();
  #webgpu: Outcome['webgpu'];

  constructor(
    readonly scope: JobScope,
    readonly contexts: PageContexts,
    readonly order: ResponseOrder,
    readonly network: NetworkWatch,
  ) {}

  /**
   * Waits until the page has loaded. Timers that are due at once run meanwhile, since scripts start themselves with
   * them; and a page that waits for nothing else gets a frame of the browser if it may need one. Resolves early, with
   * `wanted`, if the page asks for WebGPU, which this browser was not started with.
   */
  async untilLoaded(loaded: Promise<void>, makeFrame: () => Promise<unknown>): Promise<Outcome['webgpu']> {
    let done = false;
    void loaded.then(() => {
      done = true;
    });
    while (!done && !this.scope.signal.aborted) {
      const { made } = this.order;
      // Not beyond the load: whatever still stops the clock then is awaited later, and named if it takes too long.
      const rest = this.order.isAtWork ? undefined : await Promise.race([loaded, this.atRest()]);
      if (this.#webgpu === 'wanted') break;
      await Promise.race([loaded, setTimeout(LOAD_POLL_MS)]);
      const isStill = !done && !this.order.isAtWork && this.order.made === made;
      if (rest?.needsFrame && isStill) await Promise.race([loaded, makeFrame()]);
    }
    return this.#webgpu;
  }

  /** Resolves once the page has got every answer and has made no new request because of one. */
  async untilDelivered(): Promise<void> {
    for (let made = -1; made !== this.order.made && !this.scope.signal.aborted;) {
      ({ made } = this.order);
      await this.atRest();
      await this.order.drained();
    }
  }

  /** Resolves once the page is at rest, with the state that it reports. Calls are answered one at a time. */
  atRest(): Promise<PageState> {
    const rest = this.#resting.then(async () => {
      let state: PageState = { hears: true, needsFrame: false, verified: [] };
      for (let mustAsk = true; mustAsk && !this.scope.signal.aborted;) {
        const workerRests = this.order.workersLoad ? await this.contexts.evaluateWorkers<Rest>('atRest()') : [];
        const rests = await this.contexts.evaluateAll<Rest>('atRest()');
        for (const url of [...workerRests, ...rests].flatMap(({ unstartedWorkers }) => unstartedWorkers))
          this.network.workerEnds(url);
        state = {
          hears: rests.some(({ hears }) => hears),
          needsFrame: rests.some(({ needsFrame }) => needsFrame),
          verified: rests.flatMap(({ verified }) => verified),
        };
        this.#webgpu ??= rests.find(({ webgpu }) => webgpu)?.webgpu;
        // A worker that does not wait for the network will answer.
        const isAtWork = rests.some(({ blocked }) => blocked) && !this.order.workersLoad;
        if (isAtWork) await setTimeout(WORKER_POLL_MS);
        mustAsk = isAtWork || (rests.some(({ busy }) => busy) && this.contexts.count > 1);
      }
      return state;
    });
    this.#resting = rest.catch(() => {});
    return rest;
  }
}
