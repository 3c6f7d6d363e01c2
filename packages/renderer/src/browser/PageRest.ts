import { setTimeout } from 'node:timers/promises';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { Outcome, Rest } from '../page/index.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageTargets } from './PageTargets.js';
import type { PageState, ResponseOrder } from './ResponseOrder.js';

/** Between two looks at a page that is still loading, in milliseconds. */
const LOAD_POLL_MS = 10;
/** Between two looks at a page that waits for its workers, in milliseconds. */
const WORKER_POLL_MS = 2;

/** Knows when the page has nothing more to do unless the network has something for it. */
export class PageRest {
  #resting: Promise<unknown> = Promise.resolve();
  #webgpu: Outcome['webgpu'];

  constructor(
    readonly scope: JobScope,
    readonly targets: PageTargets,
    readonly order: ResponseOrder,
    readonly network: NetworkWatch,
  ) {}

  /**
   * Timers that are due at once run while a page loads: scripts start themselves with them. A page that waits for nothing
   * else gets a frame of the browser where it may need one. Resolves as soon as the page asks for WebGPU and this browser
   * has none, to that.
   */
  async untilLoaded(loaded: Promise<void>, makeFrame: () => Promise<unknown>): Promise<Outcome['webgpu']> {
    let done = false;
    void loaded.then(() => {
      done = true;
    });
    while (!done && !this.scope.signal.aborted) {
      const { made } = this.order;
      // Never longer than until the load: what then still holds the clock is waited for by its own name.
      const rest = this.order.isAtWork ? undefined : await Promise.race([loaded, this.atRest()]);
      if (this.#webgpu === 'wanted') break;
      await Promise.race([loaded, setTimeout(LOAD_POLL_MS)]);
      const isStill = !done && !this.order.isAtWork && this.order.made === made;
      if (rest?.needsFrame && isStill) await Promise.race([loaded, makeFrame()]);
    }
    return this.#webgpu;
  }

  /** Resolves when the page has every answer, and has made no new request of it. */
  async untilDelivered(): Promise<void> {
    for (let made = -1; made !== this.order.made && !this.scope.signal.aborted;) {
      ({ made } = this.order);
      await this.atRest();
      await this.order.drained();
    }
  }

  /**
   * Resolves when the page has nothing more to do unless the network has something for it, to what it says of itself.
   * One at a time.
   */
  atRest(): Promise<PageState> {
    const rest = this.#resting.then(async () => {
      let state: PageState = { hears: true, needsFrame: false, verified: [] };
      for (let isAgain = true; isAgain && !this.scope.signal.aborted;) {
        const inside = this.order.workersLoad ? await this.targets.evaluateWorkers<Rest>('atRest()') : [];
        const rests = await this.targets.evaluateAll<Rest>('atRest()');
        for (const url of [...inside, ...rests].flatMap(({ unstartedWorkers }) => unstartedWorkers))
          this.network.workerEnds(url);
        state = {
          hears: rests.some(({ hears }) => hears),
          needsFrame: rests.some(({ needsFrame }) => needsFrame),
          verified: rests.flatMap(({ verified }) => verified),
        };
        this.#webgpu ??= rests.find(({ webgpu }) => webgpu)?.webgpu;
        // A worker that waits for nothing will answer.
        const isAtWork = rests.some(({ blocked }) => blocked) && !this.order.workersLoad;
        if (isAtWork) await setTimeout(WORKER_POLL_MS);
        isAgain = isAtWork || (rests.some(({ busy }) => busy) && this.targets.count > 1);
      }
      return state;
    });
    this.#resting = rest.catch(() => {});
    return rest;
  }
}
