import { GenlockError, where, type RenderPhase, type RenderPosition } from './errors.js';
import type { RenderEvent, RenderState, WorkerState } from './events.js';
import { StopRecord } from './lifecycle/StopRecord.js';
import type { RenderChunk, RenderJobOptions, RenderPlan, RenderReport, RetryReport, WorkerReport } from './types.js';

/** How many workers are named one by one where people read it. */
const NAMED_WORKERS = 4;

interface WorkerRecord {
  chunk: RenderChunk;
  state: WorkerState | 'queued';
  phase: RenderPhase | 'queued';
  frame: number | undefined;
  rendered: number;
  startedAt: number;
  endedAt: number;
  phaseSince: number;
  phases: Partial<Record<RenderPhase, number>>;
}

/**
 * The record of one render: folds its events into progress, the stop receipt and the report, and
 * passes them on to the user.
 */
export class RenderJournal {
  readonly #plan: RenderPlan;
  readonly #jobOptions: RenderJobOptions;
  readonly #startedAt = performance.now();
  readonly #workers: WorkerRecord[];
  readonly #record = new StopRecord();
  readonly #retries: RetryReport[] = [];
  readonly #phases: Partial<Record<RenderPhase, number>> = {};
  readonly #leftovers: string[] = [];
  #share = 0;
  /** An executor that did not stop in time may go on talking: nobody listens any more. */
  #over = false;
  /** The phase of the render as a whole. */
  #phase: RenderPhase = 'plan';

  /** `onListenerError` is told what a listener of the user's throws: it may not break the stopping. */
  constructor(
    plan: RenderPlan,
    jobOptions: RenderJobOptions,
    readonly onListenerError: (error: unknown) => void,
  ) {
    this.#plan = plan;
    this.#jobOptions = jobOptions;
    this.#workers = plan.chunks.map((chunk) => ({
      chunk,
      state: 'queued',
      phase: 'queued',
      frame: undefined,
      rendered: 0,
      startedAt: 0,
      endedAt: 0,
      phaseSince: 0,
      phases: {},
    }));
  }

  /** Takes note of an event and tells it to the user. */
  record(event: RenderEvent): void {
    if (this.#over) return;
    const worker = 'worker' in event && event.worker !== undefined ? this.#workers[event.worker] : undefined;
    if (event.type === 'phase' && worker) this.#enterPhase(worker, event.phase);
    else if ((event.type === 'frame' || event.type === 'worker-failed') && worker) worker.frame = event.frame;
    else if (event.type === 'worker' && worker) this.#enterState(worker, event.state);
    else if (event.type === 'process') this.#recordProcess(event);
    else if (event.type === 'warning' && event.leftover !== undefined) this.#leftovers.push(event.leftover);
    this.#tell(() => this.#jobOptions.onEvent?.(event));
  }

  state(state: RenderState): void {
    this.record({ type: 'state', state });
  }

  worker(index: number, state: WorkerState): void {
    const { startFrame, frameCount } = this.#workers[index]!.chunk;
    this.record({ type: 'worker', worker: index, state, startFrame, frameCount });
  }

  leftover(what: string): void {
    this.#leftovers.push(what);
  }

  get leftovers(): readonly string[] {
    return this.#leftovers;
  }

  /** `share` of one chunk is rendered, 0 to 1. Tells the share of all frames, which never falls. */
  progress(index: number, share: number): void {
    if (!Number.isFinite(share)) return;
    const worker = this.#workers[index]!;
    worker.rendered = Math.max(worker.rendered, Math.min(share, 1) * worker.chunk.frameCount);
    const rendered = this.#workers.reduce((sum, { rendered: frames }) => sum + frames, 0);
    this.#tellProgress(rendered / this.#plan.frameCount);
  }

  allRendered(): void {
    this.#tellProgress(1);
  }

  /** A worker begins its chunk again after this error. */
  retry(index: number, attempt: number, of: number, error: unknown): void {
    const worker = this.#workers[index]!;
    const { phase, frame } = { ...this.position(index), ...(error instanceof GenlockError ? error.position : {}) };
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
    this.#retries.push({
      ...{ worker: index, attempt, of, error: { name, message } },
      ...(phase ? { phase } : {}),
      ...(frame === undefined ? {} : { frame }),
    });
    worker.frame = undefined;
    this.record({ type: 'retry', worker: index, attempt, of, error });
  }

  /** Where a worker is, or the render as a whole. */
  position(index?: number): RenderPosition {
    if (index === undefined) return { phase: this.#phase };
    const { phase, frame } = this.#workers[index]!;
    return { worker: index, ...(phase === 'queued' ? {} : { phase }), ...(frame === undefined ? {} : { frame }) };
  }

  /** The workers that have begun and not ended. */
  busyWorkers(): number[] {
    const busy = this.#workers.filter(({ state }) => !['queued', 'finished', 'failed', 'stopped'].includes(state));
    return busy.map(({ chunk }) => chunk.index);
  }

  /** How far the render is, for people. */
  whereabouts(): string {
    const rendered = Math.floor(this.#workers.reduce((sum, worker) => sum + worker.rendered, 0));
    const busy = this.busyWorkers();
    const named = busy.slice(0, NAMED_WORKERS).map((index) => where(this.position(index)).slice(0, -2));
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

  /** The moment of the abort or the first failure: everything is measured from here. */
  stopping(error: unknown, byUser: boolean, first: RenderPosition): void {
    if (this.#record.begin(error, byUser, first)) this.state(byUser ? 'cancelling' : 'failing');
  }

  /** The receipt, once nothing is left. */
  stopped(error: unknown, suppressed: readonly unknown[]): void {
    const workers = this.#workers.map(({ chunk, phase, frame, state }) => ({
      worker: chunk.index,
      phase,
      ...(frame === undefined ? {} : { frame }),
      state: state === 'finished' || state === 'failed' ? state : ('stopped' as const),
    }));
    const circumstances = { workers, retries: this.#retries, leftovers: this.#leftovers };
    this.record(this.#record.stopped(error, suppressed, circumstances));
    this.state(this.#record.reason === 'user' ? 'cancelled' : 'failed');
    this.#over = true;
  }

  report(bytes: number): RenderReport {
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
      workers: this.#workers.map(workerReport),
      retries: this.#retries,
      phases: this.#phases,
    };
  }

  #enterPhase(worker: WorkerRecord, phase: RenderPhase): void {
    this.#endPhase(worker);
    worker.phase = phase;
    if (phase === 'capture') this.worker(worker.chunk.index, 'rendering');
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

  #tellProgress(share: number): void {
    if (share <= this.#share || this.#over) return;
    this.#share = share;
    this.#tell(() => this.#jobOptions.onProgress?.(share));
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.onListenerError(error);
    }
  }
}

function workerReport(record: WorkerRecord): WorkerReport {
  const { chunk, startedAt, endedAt, phases } = record;
  const wallMs = endedAt - startedAt;
  return {
    worker: chunk.index,
    startFrame: chunk.startFrame,
    frames: chunk.frameCount,
    wallMs,
    framesPerSecond: (chunk.frameCount * 1000) / wallMs,
    phases,
  };
}
