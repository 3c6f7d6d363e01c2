import type { RenderPosition } from '../errors.js';
import type { VideoCoding } from '../ffmpeg/coding.js';
import type { FileStamp } from '../ffmpeg/fileStamp.js';
import type { Frame, FrameFormat } from '../ffmpeg/Frame.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ProcessOptions } from '../lifecycle/ManagedProcess.js';
import type { StagedOutput } from '../lifecycle/StagedOutput.js';
import type { TaskGroup } from '../lifecycle/TaskGroup.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { RendererOptions } from '../options/groups.js';
import type { BESIDE, RenderChunk } from '../options/plan.js';
import type { PlaceName } from './checkPlaces.js';

/**
 * Something that is delivered as files: the video of a render, the list of its frames' hashes, a still, a folder of
 * pictures. The methods are in the order in which they are called. Those with a question mark are for outputs of a
 * certain kind, and may be left out by all others.
 */
export interface Output extends AsyncDisposable {
  /** The option that says where it is to be, for messages about that. */
  readonly option: PlaceName;
  /** Where it is to be, as an absolute path. */
  readonly destination: string;

  /**
   * What the files of a render's chunks are. Called when the render is planned, so it touches nothing. With `isPart`
   * there are several chunks, which `join` makes one output of; else there is one, which may be the output already.
   */
  chunkFormat?(isPart: boolean): ChunkFormat;

  /**
   * Finds the programs that make it; throws a ToolError where one is missing. Called by the Renderer before a browser
   * is started, and by the orchestrator once all chunks are there: its workers may have programs of their own.
   */
  findTools?(): void;

  /**
   * Makes up the names under which the files are written, beside their places. Called when the job's directory is
   * there, so that whoever cleans up after this process is told of them. What `job` and `directory` are for, it needs
   * until it is disposed of.
   */
  stage(job: OutputJob, directory: WorkDirectory): void;

  /**
   * Begins to take the frames of one file. Called by the Renderer, once more where the frames turn out to come in
   * another format. What has to see all frames before it can make the file does so in `finish` of the encoding.
   */
  encode?(scope: JobScope, format: FrameFormat): Encoding;

  /**
   * Looks into what was encoded, and throws a VerificationError where that is not every frame that was asked for.
   * Called by the Renderer when the encoding is finished. What was found need not be looked for again.
   */
  verify?(): Promise<VerifiedFile>;

  /**
   * Completes what was written beside the encoding. Called by the Renderer when the frames have been verified.
   */
  finish?(): Promise<void>;

  /**
   * Looks into the files of the chunks before they are joined. Called by the orchestrator. `together`: at the same
   * time, as tasks of this group, of which the first that is wrong fails it; else one after the other.
   */
  verifyChunks?(rendered: RenderedChunks, together?: { group: TaskGroup; workers: number }): Promise<void>;

  /**
   * Makes the output of the files of chunks that follow one another, and verifies it. Called by the orchestrator, in
   * the place of `encode`.
   */
  join?(chunks: readonly RenderChunk[]): Promise<void>;

  /** Its size, for the report. Called by the orchestrator before the commit. */
  bytes?(): Promise<number>;

  /** The staged files: complete now, flushed and put in their places, in this order, by the commit of its OutputSet. */
  readonly files: readonly StagedOutput[];

  /** Called in the tick of the commit, when the files are in their places. */
  committed?(): void;

  /** Removes what was not committed. Never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An output that is made of a render's frames, whether in one go or from chunks. */
export type FrameOutput = Output &
  Required<Pick<Output, 'chunkFormat' | 'encode' | 'verify' | 'verifyChunks' | 'join' | 'bytes'>>;

/** An output that is made beside another one, while that takes the frames. */
export type BesideOutput = Output & { readonly option: (typeof BESIDE)[number] } & Required<
    Pick<Output, 'chunkFormat' | 'finish' | 'join'>
  >;

/** What an output's file of one chunk is. */
export interface ChunkFormat {
  /** Extension of the file, without the dot. That of a FrameOutput chooses what the chunk's Renderer makes. */
  extension: string;
  /** What the chunk is rendered with besides the options of the render. */
  options?: Partial<RendererOptions>;
}

/** Takes the frames of one file, in their order. Its disposal ends it at once. */
export interface Encoding extends AsyncDisposable {
  /** How the frames must come. */
  readonly format: FrameFormat;
  /** Hands over one frame. Resolves when the next one may be drawn. */
  write(frame: Frame): Promise<void>;
  /** Resolves when every frame has been taken: their source may go. */
  written(): Promise<void>;
  /** Waits until the file is complete. */
  finish(): Promise<void>;
}

/** What was found in a file when it was looked into. */
export interface VerifiedFile {
  /** What the file was then. */
  stamp?: FileStamp;
  coding: VideoCoding;
}

/** Chunks whose files are in the job's directory. */
export interface RenderedChunks {
  readonly chunks: readonly RenderChunk[];
  /** Those that were verified when they were rendered. */
  readonly verified: ReadonlyMap<RenderChunk, VerifiedFile>;
}

/** What has an output made: a job of its own, as a JobScope is one, or the run of a whole render. */
export interface OutputJob {
  /** Stops it, until it is committed. */
  readonly signal: AbortSignal;
  /** Where it is now, for errors. */
  readonly position: RenderPosition;
  /** Is told what could not be removed. */
  readonly leftover: (what: string) => void;
  /** Waits no longer than the deadline, in milliseconds, nor than the job. `place` is added to the position. */
  wait<T>(work: Promise<T>, deadlineMs: number, waitingFor: string, place?: RenderPosition): Promise<T>;
  /** Tell of processes that are started for it. */
  processOptions(): Pick<ProcessOptions, 'onStart' | 'onEnd'>;
  /** Called in the tick of the commit: nothing can stop the job any more. */
  committed(): void;
}
