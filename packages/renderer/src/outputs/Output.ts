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
import type { SIDE_FILES, RenderChunk } from '../options/plan.js';
import type { PlaceName } from './checkPlaces.js';

/**
 * Something that is delivered as files: the video of a render, the list of its frames' hashes, a still, a folder of
 * pictures. An OutputSet holds those that belong together, and commits them as one.
 *
 * - The plan of a render calls `chunkFormat`.
 * - The Renderer, which makes one file of frames: `findTools`, `stage`, `encode`, `verify`, `finish`.
 * - The orchestrator, which makes one of chunks: `findTools`, `stage`, `verifyChunks`, `join`, `bytes`.
 * - The commit of the set: `files`, `committed`. Whatever happens, the output is disposed of at the end.
 *
 * What has a question mark may be left out. `FrameOutput` and `SideOutput` say what an output must have that is made
 * of frames; a still and a folder of pictures have methods of their own for what is put into them.
 */
export interface Output extends AsyncDisposable {
  /** The option that says where it is to be, for messages about that. */
  readonly option: PlaceName;
  /** Where it is to be, as an absolute path. */
  readonly destination: string;

  /**
   * What the chunks of a render are to be, so that `join` can make the output of them. With `isPart` there are several;
   * else there is one, which may be the finished output already. Touches nothing.
   */
  chunkFormat?(isPart: boolean): ChunkFormat;

  /**
   * Finds the programs that make it; throws a ToolError where one is missing. The Renderer asks before a browser is
   * started; the orchestrator when all chunks are there, as its workers may be on other machines.
   */
  findTools?(): void;

  /**
   * Chooses the names under which the files are written until the commit, beside their places. Called once the job's
   * directory exists: from then on somebody removes what a killed process leaves. The output may use the job, and
   * put files of its own into the directory, until it is disposed of.
   */
  stage(job: OutputJob, directory: WorkDirectory): void;

  /**
   * Begins to take frames in this format. Called again where the frames turn out to come in another one. An output
   * that needs all frames before it can be made, is made in the encoding's `finish`.
   */
  encode?(scope: JobScope, format: FrameFormat): Encoding;

  /** Reads back what was encoded. Throws a VerificationError where that is not every frame that was asked for. */
  verify?(): Promise<VerifiedFile>;

  /** Completes what was written beside the encoding, when that has been verified. */
  finish?(): Promise<void>;

  /**
   * Reads back the chunks. Throws a VerificationError where one is wrong, or where they cannot be joined. With
   * `together` several are read at a time, as tasks of this group.
   */
  verifyChunks?(rendered: RenderedChunks, together?: { group: TaskGroup; workers: number }): Promise<void>;

  /** Makes the output of chunks that follow one another, and verifies it. */
  join?(chunks: readonly RenderChunk[]): Promise<void>;

  /** Its size, for the report. */
  bytes?(): Promise<number>;

  /** The staged files, complete by now: the commit flushes them, and puts them in their places in this order. */
  readonly files: readonly StagedOutput[];

  /** Called in the tick in which the files were put in their places. Must not throw. */
  committed?(): void;

  /** Removes what was not committed. Never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An output that is made of a render's frames, whether in one go or from chunks. */
export type FrameOutput = Output &
  Required<Pick<Output, 'chunkFormat' | 'encode' | 'verify' | 'verifyChunks' | 'join' | 'bytes'>>;

/** An output that is made beside another one, while that takes the frames. Its option names its file of a chunk, too. */
export type SideOutput = Output & { readonly option: (typeof SIDE_FILES)[number] } & Required<
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

/** What was found in a file when it was read back. It need not be read again while it is the same. */
export interface VerifiedFile {
  /** What the file was then. */
  stamp?: FileStamp;
  /** How it is coded, where it is a video. */
  coding?: VideoCoding;
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
  /** What tells of the processes that are started for it. */
  processOptions(): Pick<ProcessOptions, 'onStart' | 'onEnd'>;
  /** Called in the tick of the commit: nothing can stop the job any more. */
  committed(): void;
}
