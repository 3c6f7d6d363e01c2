import { StallError, type RenderPhase, type RenderPosition } from './errors.js';
import type { EndedProcess, RenderEvent, RenderState, StopReceipt, WorkerState } from './events.js';
import type { RenderChunk, RenderJobOptions, RenderPlan, RenderReport, WorkerReport } from './types.js';

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
  readonly #ended: EndedProcess[] = [];
  readonly #phases: Partial<Record<RenderPhase, number>> = {};
  readonly #leftovers: string[] = [];
  #share = 0;
  #stop: { at: number; reason: StopReceipt['reason']; message: string; first: RenderPosition } | undefined;

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
    const worker = 'worker' in event && event.worker !== undefined ? this.#workers[event.worker] : undefined;
    if (event.type === 'phase' && worker) this.#enterPhase(worker, event.phase);
    else if ((event.type === 'frame' || event.type === 'worker-failed') && worker) worker.frame = event.frame;
    else if (event.type === 'worker' && worker) this.#enterState(worker, event.state);
    else if (event.type === 'process') this.#recordProcess(event);
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

  /** Measures a phase of the whole render. */
  async phase<T>(phase: RenderPhase, work: () => Promise<T>): Promise<T> {
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
    if (this.#stop) return;
    const reason = byUser ? 'user' : error instanceof StallError ? 'stall' : 'worker';
    const message = error instanceof Error ? error.message : String(error);
    this.#stop = { at: performance.now(), reason, message, first: byUser ? {} : first };
    this.state(byUser ? 'cancelling' : 'failing');
  }

  /** The receipt, once nothing is left. */
  stopped(error: unknown, suppressed: readonly unknown[]): void {
    const stop = this.#stop!;
    const receipt: StopReceipt = {
      reason: stop.reason,
      message: stop.message,
      first: stop.first,
      workers: this.#workers.map(({ chunk, phase, frame, state }) => ({
        worker: chunk.index,
        phase,
        ...(frame === undefined ? {} : { frame }),
        state: state === 'queued' || state === 'starting' || state === 'rendering' ? 'stopped' : state,
      })),
      processes: this.#ended,
      ms: performance.now() - stop.at,
      leftovers: [...this.#leftovers],
    };
    this.record({ type: 'stopped', receipt, error, suppressed: [...suppressed] });
    this.state(stop.reason === 'user' ? 'cancelled' : 'failed');
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
      phases: this.#phases,
    };
  }

  #enterPhase(worker: WorkerRecord, phase: RenderPhase): void {
    const now = performance.now();
    if (worker.phase !== 'queued') {
      worker.phases[worker.phase] = (worker.phases[worker.phase] ?? 0) + now - worker.phaseSince;
    }
    worker.phase = phase;
    worker.phaseSince = now;
    if (phase === 'capture') this.worker(worker.chunk.index, 'rendering');
  }

  #enterState(worker: WorkerRecord, state: WorkerState): void {
    worker.state = state;
    const now = performance.now();
    if (state === 'starting') worker.startedAt = now;
    if (state !== 'finished' && state !== 'failed' && state !== 'stopped') return;
    worker.endedAt = now;
    if (worker.phase !== 'queued') {
      worker.phases[worker.phase] = (worker.phases[worker.phase] ?? 0) + now - worker.phaseSince;
    }
  }

  #recordProcess(event: Extract<RenderEvent, { type: 'process' }>): void {
    if (event.state === 'started' || !this.#stop) return;
    const { pid, role, worker, how = 'exit' } = event;
    this.#ended.push({ pid, role, how, ...(worker === undefined ? {} : { worker }) });
  }

  #tellProgress(share: number): void {
    if (share <= this.#share) return;
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
