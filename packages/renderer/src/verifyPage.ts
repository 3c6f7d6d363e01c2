import { WorkerPage } from './capture/WorkerPage.js';
import type { RenderPosition } from './errors.js';
import type { RenderEvent } from './events.js';
import { WorkDirectory } from './lifecycle/WorkDirectory.js';
import { readOptions } from './options/readOptions.js';
import { StoppableRun } from './orchestration/StoppableRun.js';
import { OutputSet } from './outputs/OutputSet.js';
import { PictureFolder } from './outputs/PictureFolder.js';
import type { RenderJobOptions } from './types.js';
import { drawSample } from './verify/drawSample.js';
import {
  prepareVerification,
  type Sample,
  type VerifyChunk,
  type VerifyOptions,
  type VerifyPlan,
  type VerifyWay,
} from './verify/planVerification.js';
import { SampledFrames } from './verify/SampledFrames.js';

/** How drawing the samples in one way compares with drawing them `once`. */
export interface WayVerdict {
  /** The way that was compared: `VerifyWay` describes each. */
  way: Exclude<VerifyWay, 'once'>;
  /**
   * The samples that were drawn in this way, and which of their frames came out differently. `seek`
   * omits a sample that starts at frame 0: there is nothing to skip before it.
   */
  samples: (Sample & { differing: number[] })[];
  /** The first frame that came out differently. Undefined if all frames are the same. */
  difference?: {
    frame: number;
    /** The differences in the page, one line each: `div#clock: text "1" and "2"`. */
    page: string[];
    /** Path of a picture that shows, side by side: the frame drawn `once`, in this way, and the differences in red. */
    picture: string;
  };
}

/** What `verifyPage` found out about a page. */
export interface PageVerdict {
  /** Whether the page draws the same pictures each time that it is taken through every frame from 0. */
  deterministic: boolean;
  /** Whether, in addition, a picture depends on its frame alone, so that the page can be taken straight to it. */
  seekable: boolean;
  /**
   * Whether the browser itself draws the same pixels each time. A browser without begin-frame control may not:
   * then it may be the cause of invisible differences.
   */
  exact: boolean;
  /** The ranges of frames that were compared. */
  samples: Sample[];
  /** How each other way compares with drawing them `once`. */
  ways: WayVerdict[];
  /** Number of pictures that were drawn. */
  pictures: number;
  /** Milliseconds that the whole verification took. */
  wallMs: number;
}

/** The live handles of one verification: those of a render, without those that belong to a chunk. */
export type VerifyJobOptions = Pick<RenderJobOptions, 'signal' | 'onProgress' | 'onEvent' | 'hooks'>;

/**
 * Finds out whether a page, given by its address or by the path of a file, draws the same frames each time. It draws
 * samples of the composition in several ways (see `VerifyWay`) and compares every picture. No video is made. For each
 * way that differs, a picture of the differences is put into the folder `pictures`, replacing one of the same name.
 *
 * Stops, settles and cleans up as `RenderOrchestrator.render` does: rejects with
 * `signal.reason` itself after an abort, else with the first failure of a page, in whatever way it
 * was drawn. A page that is not deterministic is a verdict, not a failure.
 */
export async function verifyPage(
  compositionUrl: string,
  options: VerifyOptions,
  jobOptions: VerifyJobOptions = {},
): Promise<PageVerdict> {
  jobOptions.signal?.throwIfAborted();
  const { plan, resolved } = prepareVerification(compositionUrl, readOptions(options), true);
  const outputs = new OutputSet(new PictureFolder(plan.outputPath));
  outputs.check(plan.compositionUrl);
  const startedAt = performance.now();
  return StoppableRun.start(
    { plan, options: resolved, jobOptions },
    (run) => new Verification(plan, run, outputs).work(),
    (verdict) => ({ ...verdict, pictures: plan.frameCount, wallMs: performance.now() - startedAt }),
  );
}

/** One verification in progress. */
class Verification {
  #exact = true;

  constructor(
    readonly plan: VerifyPlan,
    readonly run: StoppableRun,
    readonly outputs: OutputSet<PictureFolder>,
  ) {}

  async work(): Promise<Omit<PageVerdict, 'pictures' | 'wallMs'>> {
    const { run, plan, outputs } = this;
    await using directory = await WorkDirectory.create(run.leftover, run.group.signal);
    await run.step('plan');
    const frames = new SampledFrames(directory);
    await run.journal.phase('capture', () => this.#drawAll(frames));
    run.journal.allRendered();
    run.journal.state('finishing');

    await using _outputs = outputs.stage(run.outputJob(), directory);
    return await run.failFast(async () => {
      const ways: WayVerdict[] = [];
      for (const way of ['twice', 'many', 'seek'] as const) ways.push(await this.#judge(way, frames));
      const { concat } = run.options.deadlines;
      await outputs.commit(concat, () => run.journal.phase('commit', () => run.step('commit')));
      const isSame = (way: VerifyWay) => ways.every((each) => each.way !== way || !each.difference);
      const deterministic = isSame('twice') && isSame('many');
      const seekable = deterministic && isSame('seek');
      return { deterministic, seekable, exact: this.#exact, samples: plan.samples, ways };
    });
  }

  async #drawAll(frames: SampledFrames): Promise<void> {
    const { plan, run } = this;
    const lanes = [...plan.lanes];
    for (let worker = 0; worker < plan.concurrency; worker++) {
      run.group.go(async (signal) => {
        for (let lane = lanes.shift(); lane; lane = lanes.shift()) await this.#drawLane(lane, worker, frames, signal);
        run.journal.worker(worker, 'finished');
      });
    }
    await run.group.join(run.options.deadlines.stop, () => {
      for (const worker of run.journal.busyWorkers()) run.leftover(`worker ${worker}, which does not stop`);
    });
  }

  /** Draws all samples of one lane with one page. */
  async #drawLane(
    lane: readonly VerifyChunk[],
    worker: number,
    frames: SampledFrames,
    signal: AbortSignal,
  ): Promise<void> {
    let left = lane.length;
    const onEvent = (event: RenderEvent) => this.run.journal.record('worker' in event ? { ...event, worker } : event);
    await using workerPage = new WorkerPage(() => left > 0, onEvent);
    for (const chunk of lane) {
      left--;
      await this.#drawChunk(chunk, worker, workerPage, frames, signal);
    }
  }

  async #drawChunk(
    chunk: VerifyChunk,
    worker: number,
    workerPage: WorkerPage,
    frames: SampledFrames,
    signal: AbortSignal,
  ): Promise<void> {
    const { plan, run } = this;
    const { journal, group, jobOptions } = run;
    let failed = false;
    const onFailure = (error: unknown, position: RenderPosition) => {
      if (group.isEcho(error)) return;
      failed = true;
      run.fail(error, position);
    };
    // A worker reports its failure before it has cleaned up, so that the others stop in the same tick.
    const onEvent = (event: RenderEvent) => {
      const own = 'worker' in event ? { ...event, worker } : event;
      if (own.type === 'worker-failed') onFailure(own.error, journal.position(worker));
      journal.record(own);
    };
    journal.worker(worker, 'starting', chunk);
    try {
      const { exact } = await drawSample(
        plan.compositionUrl,
        plan.outputPath,
        chunk.options,
        {
          signal,
          worker,
          ...(jobOptions.hooks ? { hooks: jobOptions.hooks } : {}),
          onProgress: (share) => journal.progress(chunk.index, share),
          onEvent,
        },
        workerPage,
        (frame, png, page) => frames.keep(chunk.way, frame, png, page),
      );
      this.#exact &&= exact;
    } catch (error) {
      onFailure(error, journal.position(worker));
      journal.worker(worker, failed ? 'failed' : 'stopped');
      throw error;
    }
    journal.chunkDone(chunk, worker);
  }

  /** Compares one way with drawing the page once, and keeps a picture of the first frame that differs. */
  async #judge(way: WayVerdict['way'], frames: SampledFrames): Promise<WayVerdict> {
    const { plan, run } = this;
    run.group.throwIfStopped();
    const drawn = plan.chunks.filter((chunk) => chunk.way === way).map((chunk) => plan.samples[chunk.sample]!);
    const samples = drawn.map((sample) => ({ ...sample, differing: frames.differing(way, sample) }));
    const [frame] = samples.flatMap(({ differing }) => differing);
    if (frame === undefined) return { way, samples };
    const page = await frames.differences(way, frame);
    const png = await frames.sideBySide(way, frame);
    run.group.throwIfStopped();
    const { concat } = run.options.deadlines;
    const picture = await this.outputs.main.add(`${way}.frame-${frame}.png`, png, concat, { frame });
    return { way, samples, difference: { frame, page, picture } };
  }
}
