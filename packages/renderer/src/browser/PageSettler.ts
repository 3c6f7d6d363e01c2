import { setTimeout } from 'node:timers/promises';
import { shortUrl } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { FileFaults, Outcome, SettleOptions } from '../page/index.js';
import { joinOutcomes } from './joinOutcomes.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageContexts } from './PageContexts.js';
import type { PageFiles } from './PageFiles.js';
import type { PageFrames } from './PageFrames.js';
import { waitForPage } from './waitForPage.js';

/** The maximum number of the browser's own frames in one frame of the video: observers may change what they observe. */
const MAX_OWN_FRAMES = 5;
/** How long the browser may take to report the failure of a worker that the page already knows of, in milliseconds. */
const FAILURE_MS = 1000;
/** How often all documents are settled for one frame, at most: they could send each other messages for ever. */
const MAX_ROUNDS = 100;
/**
 * How many rounds must bring nothing new before documents are told that a frame has loaded: messages may still be on
 * their way.
 */
const CALM_ROUNDS = 2;

/** The page needs drawing that was skipped in undrawn frames: it must be opened again and draw everything. */
export class SkippedDrawingError extends Error {
  override readonly name = 'SkippedDrawingError';
}

/** What a PageSettler works with. */
interface SettlerParts {
  contexts: PageContexts;
  network: NetworkWatch;
  files: PageFiles;
  frames: PageFrames;
  /** The frame that the page is at; undefined while it loads. */
  currentFrame: () => number | undefined;
  /** Called with the outcomes of each call, before anything more is done. */
  onOutcomes: (outcomes: readonly Outcome[]) => void;
}

/**
 * Calls the documents of the page, and waits until the page has settled: nothing changes any more in its current frame.
 */
export class PageSettler {
  /** The faults of files in the documents' last outcomes. */
  #faults: FileFaults[] = [];
  /** How many files the page had requested when its documents were last called. */
  #begunBefore = 0;

  constructor(
    readonly scope: JobScope,
    readonly parts: SettlerParts,
  ) {}

  /**
   * Makes a call in all documents and shared workers. Returns what is left to do. Throws a SkippedDrawingError if the
   * page needs drawing that was skipped.
   */
  async run(call: string, deadlineMs: number): Promise<Outcome> {
    this.#begunBefore = this.parts.network.begun;
    const outcomes = await this.wait(this.#untilKept(call), deadlineMs, (known, hasAnswered) => {
      const underWay = hasAnswered ? known : ['a script that does not end', ...known];
      return `the page to be ready${underWay.length > 0 ? ` (still under way: ${underWay.join(', ')})` : ''}`;
    });
    // The failure is reported while the page is still at this frame, so that it names the right one.
    if (outcomes.some(({ workerFailed }) => workerFailed)) {
      const { signal } = this.scope;
      const reported = setTimeout(FAILURE_MS, undefined, { signal });
      await this.scope.wait(reported, deadlineMs, 'the browser to report that a worker failed');
    }
    if (outcomes.some(({ missesDrawing }) => missesDrawing)) throw new SkippedDrawingError();
    this.#faults = outcomes.flatMap(({ files }) => files ?? []);
    this.parts.onOutcomes(outcomes);
    return joinOutcomes(outcomes);
  }

  /**
   * Waits until nothing more changes in the current frame, so that it can be drawn. `stepped` is the step's outcome.
   */
  async untilDrawable(stepped: Outcome, deadlineMs: number): Promise<void> {
    const { network, frames } = this.parts;
    let outcome = await this.#untilQuiet(stepped, deadlineMs);
    // Some things happen only in a frame of the browser: layout observers are called, view transitions begin, and files
    // are requested for what has become visible.
    let needsFrame = outcome.hasObservers || outcome.needsSnapshots;
    for (let made = 0; needsFrame && made < MAX_OWN_FRAMES; made++) {
      const { begun } = network;
      await frames.make(outcome.needsSnapshots === true, deadlineMs);
      outcome = await this.#untilQuiet(await this.#settleOnce(deadlineMs), deadlineMs);
      const isHalf = outcome.skipsLayout && made === 0;
      needsFrame = outcome.observerCalls > 0 || outcome.needsSnapshots || network.begun > begun || isHalf;
    }
  }

  /** Waits until the page and the network have nothing more to do at the current virtual time. */
  async settle(deadlineMs: number): Promise<void> {
    await this.#untilQuiet(await this.#settleOnce(deadlineMs), deadlineMs);
  }

  /** Waits for an answer of the page. `describe` describes a StallError as in `waitForPage`. */
  wait<T>(answer: Promise<T>, deadlineMs: number, describe: Parameters<typeof waitForPage>[2]['describe']): Promise<T> {
    const { contexts, network } = this.parts;
    return waitForPage(answer, deadlineMs, { scope: this.scope, contexts, network, describe });
  }

  /**
   * Settles all documents repeatedly, for as long as files load, hidden shadow trees are found, or one document may
   * have sent something to another.
   */
  async #untilQuiet(outcome: Outcome, deadlineMs: number): Promise<Outcome> {
    const { contexts, network, files } = this.parts;
    let total = outcome;
    let again = contexts.crossesOrigins;
    /** Rounds in a row in which no document had anything to do. */
    let calm = 0;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const hasLoaded = network.loading.length > 0 || network.begun > this.#begunBefore;
      if (network.loading.length > 0) {
        const list = () => `${network.loading.map(shortUrl).join(', ')} to load`;
        await this.scope.wait(network.idle(), deadlineMs, list);
        // The documents now use what has loaded, and may need more files for it.
      } else if (total.hidesRoots) {
        await this.scope.wait(contexts.adoptShadowRoots(), deadlineMs, 'the browser to list the shadow trees');
      } else if (hasLoaded) {
        // A document that had answered has not seen the files that came while another one was still at work.
        calm = 0;
      } else if (!again && !total.hasPostponed && !(total.settleAgain && contexts.count > 1)) {
        if (!total.hasLoadedFrames) break;
        calm++;
      } else calm = 0;
      again = false;
      const releasesPostponed = total.hasPostponed === true && network.loading.length === 0;
      const firesFrameLoads = calm > CALM_ROUNDS;
      if (firesFrameLoads) calm = 0;
      const next = await this.#settleOnce(deadlineMs, { releasesPostponed, firesFrameLoads, hasLoaded });
      total = { ...next, observerCalls: total.observerCalls + next.observerCalls };
    }
    await files.judge(this.#faults, deadlineMs);
    return total;
  }

  #settleOnce(deadlineMs: number, options: SettleOptions = {}): Promise<Outcome> {
    return this.run(this.#settleCall(options), deadlineMs);
  }

  #settleCall(options: SettleOptions): string {
    return `settle(${this.parts.currentFrame()}, ${JSON.stringify(options)})`;
  }

  /**
   * Makes a call in all documents. If they then wait for nothing but promises that the page gave us, they are settled
   * again and again, with everything that is held back let go, until the page keeps those promises.
   */
  async #untilKept(call: string): Promise<Outcome[]> {
    const { network } = this.parts;
    const nudge = { releasesPostponed: true, isNudged: true, firesFrameLoads: true };
    let outcomes = await this.#evaluate(call);
    const isOver = () =>
      this.scope.signal.aborted || outcomes.some(({ workerFailed, missesDrawing }) => workerFailed || missesDrawing);
    while (outcomes.some(({ awaitsPromises }) => awaitsPromises) && !isOver()) {
      await network.idle();
      const { observerCalls } = joinOutcomes(outcomes);
      outcomes = await this.#evaluate(this.#settleCall(nudge));
      if (outcomes[0]) outcomes[0].observerCalls += observerCalls;
    }
    return outcomes;
  }

  async #evaluate(call: string): Promise<Outcome[]> {
    const { contexts, network } = this.parts;
    const outcomes = await contexts.evaluateAll<Outcome>(call);
    for (const url of outcomes.flatMap(({ unstartedWorkers }) => unstartedWorkers ?? [])) network.workerEnds(url);
    return outcomes;
  }
}
