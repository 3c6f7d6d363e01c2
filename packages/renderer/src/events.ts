import type { RenderPhase, RenderPosition } from './errors.js';
import type { Mode, WebGl } from './options/groups.js';
import type { RenderReport, RetryReport } from './reports.js';

/** The life of a render. What was `cancelled` never becomes `succeeded`. */
export type RenderState =
  | 'queued'
  | 'running'
  | 'finishing'
  | 'succeeded'
  | 'cancelling'
  | 'cancelled'
  | 'failing'
  | 'failed';

/** Where one worker is. */
export type WorkerState = 'starting' | 'rendering' | 'retrying' | 'finished' | 'failed' | 'stopped';

/** What became of a chunk: `again` means that its page was not fit to be entered by a jump. */
export type ChunkState = 'done' | 'reused' | 'again';

/** How a page is captured. */
export interface CaptureWay {
  /** As the option `mode` has them. */
  mode: Exclude<Mode, 'auto'>;
  /** Whether the browser encodes the frames itself. */
  encoded: boolean;
  /** What draws WebGL, on a page that uses it. */
  webgl?: Exclude<WebGl, 'auto'>;
  /** Why it is not done in the way that was asked for. */
  reason?: string;
}

/** A seam is between two chunks: the `end` of one and the `entry` of the next draw the same frame. */
export type SeamSide = 'entry' | 'end';

/** What became of a process that belongs to the render, or did. */
export type ProcessState = 'started' | 'borrowed' | 'returned' | 'ended';

/** One process that a stop has ended. */
export interface EndedProcess {
  /** Its id, and that of its process group. */
  pid: number;
  /** What it was: `browser`, `encoder`, `concat`, `probe`. */
  role: string;
  /** The worker that it belonged to, if to one. */
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
  /** Where each worker was. */
  workers: { worker: number; phase: RenderPhase | 'queued'; frame?: number; state: WorkerState }[];
  /** Every process that the stop has ended. */
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
  /** `startFrame` and `frameCount` are those of the chunk that it has, or had last. */
  | { type: 'worker'; worker: number; state: WorkerState; chunk: number; startFrame: number; frameCount: number }
  | { type: 'chunk'; chunk: number; state: ChunkState; startFrame: number; frameCount: number; worker?: number }
  /** A frame is rendered; `rendered` of `total` frames of its chunk are. */
  | { type: 'frame'; frame: number; worker: number; rendered: number; total: number }
  /**
   * A frame at a seam was drawn. `hash` is the SHA-256 of its picture as PNG; `jumped` says that the
   * page has not seen every frame before, `drawn` that every frame before was drawn, `exact` that its browser
   * draws the same pixels each time.
   */
  | {
      type: 'seam';
      side: SeamSide;
      worker: number;
      frame: number;
      hash: string;
      jumped: boolean;
      /** Default false. */
      drawn?: boolean;
      exact: boolean;
    }
  /** How a worker captures its page. */
  | ({ type: 'capture'; worker: number } & CaptureWay)
  /** The addresses that a worker's page has read so far; `repeatable` when they answer the same to who asks again. */
  | { type: 'files'; worker: number; urls: string[]; repeatable: boolean }
  /** A render that was stopped has left a video of its first `frames` frames. */
  | { type: 'partial'; path: string; frames: number }
  | { type: 'page-console'; level: string; text: string; url?: string; line?: number; worker: number; frame?: number }
  | { type: 'page-error'; error: unknown; worker: number; frame?: number }
  | { type: 'worker-failed'; error: unknown; worker: number; frame?: number; phase?: RenderPhase }
  /** A browser may be `borrowed` from a pool instead of started, and `returned` to it instead of ended. */
  | { type: 'process'; state: ProcessState; pid: number; role: string; how?: string; worker?: number }
  /** `leftover` is what could not be removed, when that is what the warning is about. */
  | { type: 'warning'; message: string; worker?: number; frame?: number; leftover?: string }
  /** After `error` a worker begins its chunk again: for the `attempt`-th time of at most `of`. */
  | { type: 'retry'; worker: number; chunk: number; attempt: number; of: number; error: unknown }
  | { type: 'stopped'; receipt: StopReceipt; error: unknown; suppressed: unknown[] }
  | { type: 'report'; report: RenderReport };

/** What one side of a seam says about the frame that both sides draw. */
export type SeamPicture = Pick<Extract<RenderEvent, { type: 'seam' }>, 'frame' | 'hash' | 'jumped' | 'drawn' | 'exact'>;
