import type { RenderPhase, RenderPosition } from './errors.js';
import type { RenderReport, RetryReport } from './types.js';

/** The life of a render. What was `cancelled` never becomes `succeeded`. */
export type RenderState =
  'queued' | 'running' | 'finishing' | 'succeeded' | 'cancelling' | 'cancelled' | 'failing' | 'failed';

/** Where one worker is. */
export type WorkerState = 'starting' | 'rendering' | 'retrying' | 'finished' | 'failed' | 'stopped';

/** One process that a stop has ended. */
export interface EndedProcess {
  pid: number;
  /** What it was: `browser`, `encoder`, `concat`, `probe`. */
  role: string;
  worker?: number;
  /** The phase in which it was ended: its worker's, or the whole render's. */
  phase?: RenderPhase;
  /** The signal that ended it, or `exit` when it had ended by itself. */
  how: string;
}

/** What a stop did, told after nothing is left. */
export interface StopReceipt {
  /**
   * Why: the user's signal; the first failure (`worker`), which may be a `stall`; the `deadline` of
   * the whole render; a `budget` of memory or disk; the death of the `host`.
   */
  reason: 'user' | 'worker' | 'stall' | 'deadline' | 'budget' | 'host';
  /** The message of the cause. */
  message: string;
  /** Where the first failure happened; empty when the user stopped the render. */
  first: RenderPosition;
  workers: { worker: number; phase: RenderPhase | 'queued'; frame?: number; state: WorkerState }[];
  processes: EndedProcess[];
  /** Chunks that had been begun again before the stop. */
  retries: RetryReport[];
  /** Milliseconds from the abort or failure to the moment when nothing was left. */
  ms: number;
  /** What could not be removed: always empty, or the render carries a TeardownError. */
  leftovers: string[];
}

/**
 * Everything that a render tells. `worker` is the index of the worker, `frame` a frame number in the
 * composition; both from 0. All events survive JSON but for `error`, which is the very object thrown.
 */
export type RenderEvent =
  | { type: 'state'; state: RenderState }
  | { type: 'phase'; phase: RenderPhase; worker?: number }
  | { type: 'worker'; worker: number; state: WorkerState; startFrame: number; frameCount: number }
  /** A frame is rendered; `rendered` of `total` frames of its chunk are. */
  | { type: 'frame'; frame: number; worker: number; rendered: number; total: number }
  | { type: 'page-console'; level: string; text: string; url?: string; line?: number; worker: number; frame?: number }
  | { type: 'page-error'; error: unknown; worker: number; frame?: number }
  | { type: 'worker-failed'; error: unknown; worker: number; frame?: number; phase?: RenderPhase }
  | { type: 'process'; state: 'started' | 'ended'; pid: number; role: string; how?: string; worker?: number }
  /** `leftover` is what could not be removed, when that is what the warning is about. */
  | { type: 'warning'; message: string; worker?: number; frame?: number; leftover?: string }
  /** After `error` a worker begins its chunk again: for the `attempt`-th time of at most `of`. */
  | { type: 'retry'; worker: number; attempt: number; of: number; error: unknown }
  | { type: 'stopped'; receipt: StopReceipt; error: unknown; suppressed: unknown[] }
  | { type: 'report'; report: RenderReport };
