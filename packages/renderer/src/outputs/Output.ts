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
 * pictures. An OutputSet holds outputs that belong together, and commits them as one.
 *
 * - Planning a render calls `chunkFormat`.
 * - The Renderer, which makes a file from frames, calls `findTools`, `stage`, `encode`, `verify`, `finish`.
 * - The orchestrator, which makes a file from chunks, calls `findTools`, `stage`, `verifyChunks`, `join`, `bytes`.
 * - The commit of the set uses `files` and `committed`. In any case, the output is disposed of at the end.
 *
 * Optional methods may be left out. `FrameOutput` and `SideOutput` list what an output made from frames must have. A
 * still and a folder of pictures have their own methods for adding content.
 */
export interface Output extends AsyncDisposable {
  /** Name of the option with the output's path, for messages. */
  readonly option: PlaceName;
  /** Absolute path of the output. */
  readonly destination: string;

  /**
   * The format of the chunks from which `join` makes the output. With `isPart` there are several chunks. Otherwise
   * there is only one, which may already be the finished output. Touches no file.
   */
  chunkFormat?(isPart: boolean): ChunkFormat;

  /**
   * Finds the programs that make it. Throws a ToolError if one is missing. The Renderer calls this before it starts a
   * browser, the orchestrator when all chunks are finished, since its workers may be on other machines.
   */
  findTools?(): void;

  /**
   * Chooses the names under which the files are written until the commit, next to their destinations. Called once the
   * job's directory exists, because from then on the files of a killed process are removed. The output may use the
   * job, and put its own files into the directory, until it is disposed of.
   */
  stage(job: OutputJob, directory: WorkDirectory): void;

  /**
   * Begins to take frames in this format. Called again if the frames turn out to have another format. An output that
   * can only be made from all frames together is made in the encoding's `finish`.
   */
  encode?(scope: JobScope, format: FrameFormat): Encoding;

  /** Reads back what was encoded. Rejects with a VerificationError unless every requested frame is there. */
  verify?(): Promise<VerifiedFile>;

  /** Completes a side output once the main output has been verified. */
  finish?(): Promise<void>;

  /**
   * Reads back the chunks. Rejects with a VerificationError if one is wrong or if they cannot be joined. With
   * `parallel`, several are read at a time as tasks of this group.
   */
  verifyChunks?(rendered: RenderedChunks, parallel?: { group: TaskGroup; workers: number }): Promise<void>;

  /** Makes the output from consecutive chunks, and verifies it. */
  join?(chunks: readonly RenderChunk[]): Promise<void>;

  /** The output's size in bytes, for the report. */
  bytes?(): Promise<number>;

  /** The staged files, complete by the time of the commit, which flushes them and puts them in place in this order. */
  readonly files: readonly StagedOutput[];

  /** Called in the tick in which the files were put in place. Must not throw. */
  committed?(): void;

  /** Removes files that were not committed. Never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An output made from a render's frames, directly or by joining chunks. */
export type FrameOutput = Output &
  Required<Pick<Output, 'chunkFormat' | 'encode' | 'verify' | 'verifyChunks' | 'join' | 'bytes'>>;

/** An output made alongside the main one, which takes the frames. In a chunk, its option names its file of the chunk. */
export type SideOutput = Output & { readonly option: (typeof SIDE_FILES)[number] } & Required<
    Pick<Output, 'chunkFormat' | 'finish' | 'join'>
  >;

/** The format of an output's file for one chunk. */
export interface ChunkFormat {
  /** Extension of the file, without the dot. For a FrameOutput, it decides what the chunk's Renderer makes. */
  extension: string;
  /** Options for the chunk in addition to those of the render. */
  options?: Partial<RendererOptions>;
}

/** Takes the frames of one file, in order. Disposing of it stops it at once. */
export interface Encoding extends AsyncDisposable {
  /** The format that frames must have. */
  readonly format: FrameFormat;
  /** Writes one frame. Resolves when the next one may be drawn. */
  write(frame: Frame): Promise<void>;
  /** Resolves when every frame has been taken, so that their source may be closed. */
  written(): Promise<void>;
  /** Waits until the file is complete. */
  finish(): Promise<void>;
}

/** What was found when a file was read back. It need not be read again while it is unchanged. */
export interface VerifiedFile {
  /** Identifies the state of the file. */
  stamp?: FileStamp;
  /** How the file is coded, if it is a video. */
  coding?: VideoCoding;
}

/** Chunks whose files are in the job's directory. */
export interface RenderedChunks {
  readonly chunks: readonly RenderChunk[];
  /** The chunks that were verified when they were rendered. */
  readonly verified: ReadonlyMap<RenderChunk, VerifiedFile>;
}

/** The job that makes an output: a JobScope, or the run of a whole render. */
export interface OutputJob {
  /** Stops the job until its commit. */
  readonly signal: AbortSignal;
  /** Where the job is now, for errors. */
  readonly position: RenderPosition;
  /** Records something that could not be removed. */
  readonly leftover: (what: string) => void;
  /** Waits no longer than the deadline, in milliseconds, nor than the job. `place` is added to the position. */
  wait<T>(work: Promise<T>, deadlineMs: number, waitingFor: string, place?: RenderPosition): Promise<T>;
  /** Process options that emit events for processes started for the job. */
  processOptions(): Pick<ProcessOptions, 'onStart' | 'onEnd'>;
  /** Called in the tick of the commit, after which nothing can stop the job. */
  committed(): void;
}
