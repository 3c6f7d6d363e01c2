import type { RenderPhase, RenderPosition } from './errors.js';
import type { Mode, WebGl } from './options/groups.js';
import type { RenderReport, RetryReport } from './reports.js';

/** The states of a render. A render that is `cancelled` never becomes `succeeded`. */
export type RenderState =
  | 'queued'
  | 'running'
  | 'finishing'
  | 'succeeded'
  | 'cancelling'
  | 'cancelled'
  | 'failing'
  | 'failed';

/** The state of one worker. */
export type WorkerState = 'starting' | 'rendering' | 'retrying' | 'finished' | 'failed' | 'stopped';

/** What happened to a chunk: `again` means that it must be rendered again because its page cannot start by a jump. */
export type ChunkState = 'done' | 'reused' | 'again';

/** How a page is captured. */
export interface CaptureWay {
  /** One of the values of the option `mode`. */
  mode: Exclude<Mode, 'auto'>;
  /** Whether the browser encodes the frames itself. */
  encoded: boolean;
  /** What draws WebGL. Absent if the page does not use it. */
  webgl?: Exclude<WebGl, 'auto'>;
  /** Why the page is not captured in the way that was asked for. */
  reason?: string;
}

/** A side of the seam between two chunks: the `end` of one chunk and the `entry` of the next draw the same frame. */
export type SeamSide = 'entry' | 'end';

/** What happened to a process that belongs, or belonged, to the render. */
export type ProcessState = 'started' | 'borrowed' | 'returned' | 'ended';

/** A process that was ended when the render stopped. */
export interface EndedProcess {
  /** The id of the process and of its process group. */
  pid: number;
  /** What it was: `browser`, `encoder`, `concat`, `probe`. */
  role: string;
  /** The worker that it belonged to, if any. */
  worker?: number;
  /** The phase in which it was ended: that of its worker, or of the whole render. */
  phase?: RenderPhase;
  /** The signal that ended it, or `exit` if it had exited by itself. */
  how: string;
}

/** What happened when the render stopped. It is issued once nothing of the render is left. */
export interface StopReceipt {
  /**
   * Why the render stopped: the user's signal; the first failure of a `worker`, or a `stall`; the `deadline` of
   * the whole render; a `budget` of memory or disk; the death of the `host`.
   */
  reason: 'user' | 'worker' | 'stall' | 'deadline' | 'budget' | 'host';
  /** The message of the cause. */
  message: string;
  /** Where the first failure happened. Empty if the user stopped the render. */
  first: RenderPosition;
  /** Where each worker was. */
  workers: { worker: number; phase: RenderPhase | 'queued'; frame?: number; state: WorkerState }[];
  /** Every process that the stop ended. */
  processes: EndedProcess[];
  /** Chunks that were retried before the stop. */
  retries: RetryReport[];
  /** Milliseconds from the abort or failure to the moment when nothing was left. */
  ms: number;
  /** What could not be removed. If this is not empty, a TeardownError is raised as well. */
  leftovers: string[];
}

/**
 * Everything that a render reports. `worker` is the index of the worker, `frame` a frame number in the
 * composition; both from 0. Everything in an event survives JSON except `error`, which is the very object thrown.
 */
export type RenderEvent =
  | { type: 'state'; state: RenderState }
  | { type: 'phase'; phase: RenderPhase; worker?: number }
  /** `startFrame` and `frameCount` are those of the worker's current or last chunk. */
  | { type: 'worker'; worker: number; state: WorkerState; chunk: number; startFrame: number; frameCount: number }
  | { type: 'chunk'; chunk: number; state: ChunkState; startFrame: number; frameCount: number; worker?: number }
  /** A frame was rendered: `rendered` of the `total` frames of its chunk are done. */
  | { type: 'frame'; frame: number; worker: number; rendered: number; total: number }
  /**
   * A frame at a seam was drawn. `hash` is the SHA-256 of its picture as PNG. `jumped`: the page has skipped some of
   * the earlier frames. `drawn`: every earlier frame was drawn. `exact`: the browser draws the same pixels each time.
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
  /** The addresses that a worker's page has read so far. `repeatable`: reading them again gives the same answers. */
  | { type: 'files'; worker: number; urls: string[]; repeatable: boolean }
  /** A stopped render saved a video of its first `frames` frames. */
  | { type: 'partial'; path: string; frames: number }
  | { type: 'page-console'; level: string; text: string; url?: string; line?: number; worker: number; frame?: number }
  | { type: 'page-error'; error: unknown; worker: number; frame?: number }
  | { type: 'worker-failed'; error: unknown; worker: number; frame?: number; phase?: RenderPhase }
  /** A browser may be `borrowed` from a pool instead of started, and `returned` to it instead of ended. */
  | { type: 'process'; state: ProcessState; pid: number; role: string; how?: string; worker?: number }
  /** `leftover` names what could not be removed, if the warning is about that. */
  | { type: 'warning'; message: string; worker?: number; frame?: number; leftover?: string }
  /** After `error` a worker starts its chunk again. This is retry number `attempt` of at most `of`. */
  | { type: 'retry'; worker: number; chunk: number; attempt: number; of: number; error: unknown }
  | { type: 'stopped'; receipt: StopReceipt; error: unknown; suppressed: unknown[] }
  | { type: 'report'; report: RenderReport };

/** What one side of a seam reports about the frame that both sides draw. */
export type SeamPicture = Pick<Extract<RenderEvent, { type: 'seam' }>, 'frame' | 'hash' | 'jumped' | 'drawn' | 'exact'>;
