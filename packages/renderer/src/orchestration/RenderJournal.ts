import { describePosition, type RenderPhase, type RenderPosition } from '../errors.js';
import { positionOf } from '../errorRecord.js';
import type { RenderEvent, RenderState, WorkerState } from '../events.js';
import { callUser } from '../lifecycle/callUser.js';
import { StopRecord } from '../lifecycle/StopRecord.js';
import type { RenderChunk, RenderJobOptions, RenderPlan, RenderReport, RetryReport, WorkerReport } from '../types.js';
import { nameOf, messageOf } from '../unknowns.js';

/** How many workers are named one by one in messages. */
const NAMED_WORKERS = 4;

interface WorkerRecord {
  /** Its current chunk, or its last one. */
  chunk: RenderChunk | undefined;
  /** Indices of the chunks that it has rendered. */
  chunks: number[];
  state: WorkerState | 'queued';
  phase: RenderPhase | 'queued';
  frame: number | undefined;
  startedAt: number;
  endedAt: number;
  phaseSince: number;
  phases: Partial<Record<RenderPhase, number>>;
}

/**
 * The record of one render: turns its events into progress, the stop receipt and the report, and
 * passes them on to the user.
 */
export class RenderJournal {
  readonly #plan: RenderPlan;
  readonly #jobOptions: RenderJobOptions;
  readonly #startedAt = performance.now();
  readonly #workers: WorkerRecord[];
  /** Rendered frames of each chunk. */
  readonly #rendered: number[];
  readonly #record = new StopRecord();
  readonly #retries: RetryReport[] = [];
  readonly #phases: Partial<Record<RenderPhase, number>> = {};
  readonly #leftovers: string[] = [];
  #reused = 0;
  #rerendered = 0;
  #share = 0;
  /** Set at the end, because an executor that did not stop in time may still send events, which are ignored. */
  #isOver = false;
  /** The phase of the render as a whole. */
  #phase: RenderPhase = 'plan';

  /** `onListenerError` receives errors of the user's listeners, so that they do not disturb a stop. */
  constructor(
    plan: RenderPlan,
    jobOptions: RenderJobOptions,
    readonly onListenerError: (error: unknown) => void,
  ) {
    this.#plan = plan;
    this.#jobOptions = jobOptions;
    this.#rendered = plan.chunks.map(() => 0);
    this.#workers = Array.from({ length: plan.concurrency }, () => ({
      chunk: undefined,
      chunks: [],
      state: 'queued',
      phase: 'queued',
      frame: undefined,
      startedAt: 0,
      endedAt: 0,
      phaseSince: 0,
      phases: {},
    }));
  }

  /** Records an event and passes it on to the user. */
  record(event: RenderEvent): void {
    if (this.#isOver) return;
    const worker = 'worker' in event && event.worker !== undefined ? this.#workers[event.worker] : undefined;
    if (event.type === 'phase' && worker) this.#enterPhase(worker, event.phase);
    else if ((event.type === 'frame' || event.type === 'worker-failed') && worker) worker.frame = event.frame;
    else if (event.type === 'worker' && worker) this.#enterState(worker, event.state);
    else if (event.type === 'process') this.#recordProcess(event);
    else if (event.type === 'warning' && event.leftover !== undefined) this.#leftovers.push(event.leftover);
    this.#notify(() => this.#jobOptions.onEvent?.(event));
  }

  state(state: RenderState): void {
    this.record({ type: 'state', state });
  }

  /** Records a worker's state. `chunk` is the one that it begins now. Default: its current one. */
  worker(index: number, state: WorkerState, chunk = this.#workers[index]!.chunk): void {
    const worker = this.#workers[index]!;
    if (worker.chunk !== chunk) worker.frame = undefined;
    worker.chunk = chunk;
    const { index: number = 0, startFrame = 0, frameCount = 0 } = chunk ?? {};
    this.record({ type: 'worker', worker: index, state, chunk: number, startFrame, frameCount });
  }

  /** Records a complete chunk: rendered by this worker or, without one, reused from an earlier render. */
  chunkDone(chunk: RenderChunk, worker?: number): void {
    const { index, startFrame, frameCount } = chunk;
    if (worker === undefined) this.#reused++;
    else this.#workers[worker]!.chunks.push(index);
    const by = worker === undefined ? ({ state: 'reused' } as const) : ({ state: 'done', worker } as const);
    this.record({ type: 'chunk', chunk: index, startFrame, frameCount, ...by });
    this.progress(index, 1);
  }

  /** Records that a chunk must be rendered once more. */
  chunkRerendered({ index, startFrame, frameCount }: RenderChunk): void {
    this.#rerendered++;
    this.record({ type: 'chunk', chunk: index, state: 'again', startFrame, frameCount });
  }

  /** The average wall time that a worker has taken per frame so far, in milliseconds. */
  get msPerFrame(): number {
    const working = Math.min(this.#plan.concurrency, this.#plan.chunks.length);
    return ((performance.now() - this.#startedAt) * working) / Math.max(1, this.#allRendered);
  }

  leftover(what: string): void {
    this.#leftovers.push(what);
  }

  get leftovers(): readonly string[] {
    return this.#leftovers;
  }

  /** Records the rendered share of one chunk, 0 to 1. Reports the share of all frames, which never decreases. */
  progress(chunk: number, share: number): void {
    if (!Number.isFinite(share)) return;
    const frames = Math.min(share, 1) * this.#plan.chunks[chunk]!.frameCount;
    this.#rendered[chunk] = Math.max(this.#rendered[chunk]!, frames);
    this.#reportProgress(this.#allRendered / this.#plan.frameCount);
  }

  get #allRendered(): number {
    return this.#rendered.reduce((sum, frames) => sum + frames, 0);
  }

  allRendered(): void {
    this.#reportProgress(1);
  }

  /** Records that a worker restarts its chunk after this error. */
  retry(index: number, chunk: number, attempt: number, of: number, error: unknown): void {
    const worker = this.#workers[index]!;
    const { phase, frame } = { ...this.position(index), ...positionOf(error) };
    this.#retries.push({
      worker: index,
      chunk,
      attempt,
      of,
      error: { name: nameOf(error), message: messageOf(error) },
      ...(phase ? { phase } : {}),
      ...(frame === undefined ? {} : { frame }),
    });
    worker.frame = undefined;
    this.record({ type: 'retry', worker: index, chunk, attempt, of, error });
  }

  /** The position of a worker or, without an index, of the render as a whole. */
  position(index?: number): RenderPosition {
    if (index === undefined) return { phase: this.#phase };
    const { phase, frame } = this.#workers[index]!;
    return { worker: index, ...(phase === 'queued' ? {} : { phase }), ...(frame === undefined ? {} : { frame }) };
  }

  /** Indices of the workers that have begun and not ended. */
  busyWorkers(): number[] {
    const isBusy = ({ state }: WorkerRecord) => !['queued', 'finished', 'failed', 'stopped'].includes(state);
    return [...this.#workers.keys()].filter((index) => isBusy(this.#workers[index]!));
  }

  /** Describes how far the render is, for messages. */
  describeProgress(): string {
    const rendered = Math.floor(this.#allRendered);
    const busy = this.busyWorkers();
    const named = busy.slice(0, NAMED_WORKERS).map((index) => describePosition(this.position(index)));
    if (busy.length > named.length) named.push('...');
    if (busy.length === 0) named.push(`now (${this.#phase})`);
    return [`${rendered} of ${this.#plan.frameCount} frames are rendered`, ...named].join('; ');
  }

  /** Measures a phase of the whole render. */
  async phase<T>(phase: RenderPhase, work: () => Promise<T>): Promise<T> {
    this.#phase = phase;
    const start = performance.now();
    if (phase !== 'capture') this.record({ type: 'phase', phase });
    try {
      return await work();
    } finally {
      this.#phases[phase] = performance.now() - start;
    }
  }

  /** Called at the moment of the abort or the first failure, from which all times are measured. */
  stopping(error: unknown, byUser: boolean, first: RenderPosition): void {
    if (this.#record.begin(error, byUser, first)) this.state(byUser ? 'cancelling' : 'failing');
  }

  /** Emits the receipt, once nothing is left. */
  stopped(error: unknown, suppressed: readonly unknown[]): void {
    const workers = this.#workers.map(({ phase, frame, state }, worker) => ({
      worker,
      phase,
      ...(frame === undefined ? {} : { frame }),
      state: state === 'finished' || state === 'failed' ? state : ('stopped' as const),
    }));
    const circumstances = { workers, retries: this.#retries, leftovers: this.#leftovers };
    this.record(this.#record.stopped(error, suppressed, circumstances));
    this.state(this.#record.reason === 'user' ? 'cancelled' : 'failed');
    this.#isOver = true;
  }

  report(bytes: number, seams: RenderReport['seams']): RenderReport {
    const { outputPath, frameCount, width, height, fps, durationInSeconds } = this.#plan;
    const wallMs = performance.now() - this.#startedAt;
    return {
      outputPath,
      frames: frameCount,
      width,
      height,
      fps,
      durationInSeconds,
      bytes,
      wallMs,
      framesPerSecond: (frameCount * 1000) / wallMs,
      workers: this.#workers.map((worker, index) => workerReport(worker, index, this.#plan.chunks)),
      chunks: { total: this.#plan.chunks.length, reused: this.#reused, again: this.#rerendered },
      seams,
      retries: this.#retries,
      phases: this.#phases,
    };
  }

  #enterPhase(worker: WorkerRecord, phase: RenderPhase): void {
    this.#endPhase(worker);
    worker.phase = phase;
    if (phase === 'capture') this.worker(this.#workers.indexOf(worker), 'rendering');
  }

  #enterState(worker: WorkerRecord, state: WorkerState): void {
    worker.state = state;
    if (state === 'starting') worker.startedAt ||= performance.now();
    if (state !== 'finished' && state !== 'failed' && state !== 'stopped') return;
    worker.endedAt = performance.now();
    this.#endPhase(worker);
  }

  #endPhase(worker: WorkerRecord): void {
    const now = performance.now();
    if (worker.phase !== 'queued') {
      worker.phases[worker.phase] = (worker.phases[worker.phase] ?? 0) + now - worker.phaseSince;
    }
    worker.phaseSince = now;
  }

  #recordProcess(event: Extract<RenderEvent, { type: 'process' }>): void {
    this.#record.processEnded(event, this.position(event.worker).phase);
  }

  #reportProgress(share: number): void {
    if (share <= this.#share || this.#isOver) return;
    this.#share = share;
    this.#notify(() => this.#jobOptions.onProgress?.(share));
  }

  #notify(listener: () => unknown): void {
    callUser(listener, (error) => this.onListenerError(error));
  }
}

function workerReport(record: WorkerRecord, index: number, plan: readonly RenderChunk[]): WorkerReport {
  const { chunks, startedAt, endedAt, phases } = record;
  const wallMs = endedAt - startedAt;
  const frames = chunks.reduce((sum, chunk) => sum + plan[chunk]!.frameCount, 0);
  return { worker: index, chunks, frames, wallMs, framesPerSecond: wallMs > 0 ? (frames * 1000) / wallMs : 0, phases };
}
