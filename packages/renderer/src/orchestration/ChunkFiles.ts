import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EncoderError, StallError, VerificationError, type RenderPosition } from '../errors.js';
import { concatArguments, concatList } from '../ffmpeg/arguments.js';
import { codingDifferences, type VideoCoding } from '../ffmpeg/coding.js';
import { locateFfmpeg } from '../ffmpeg/findFfmpeg.js';
import { isUnchanged, type FileStamp } from '../ffmpeg/fileStamp.js';
import { verifyVideo } from '../ffmpeg/verify.js';
import { ranOutOfDisk } from '../lifecycle/howItEnded.js';
import { underDeadline } from '../lifecycle/abort.js';
import { onDisk } from '../lifecycle/onDisk.js';
import { orShortage } from '../lifecycle/shortage.js';
import type { ProcessOptions } from '../lifecycle/ManagedProcess.js';
import { runCommand } from '../lifecycle/runCommand.js';
import type { TaskGroup } from '../lifecycle/TaskGroup.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from '../options/options.js';
import type { RenderChunk, RenderPlan } from '../types.js';

/** What was found in a chunk when it was verified, and what its file was then. */
export interface VerifiedChunk {
  stamp: FileStamp;
  /** Undefined where an executor does not pass it on. */
  coding?: VideoCoding | undefined;
}

/** The rendered files of a render's chunks: looks into them, and joins them. */
export class ChunkFiles {
  readonly #tools;

  /** `processOptions` tell of the processes that it starts. Throws a ToolError where there is no ffmpeg. */
  constructor(
    readonly plan: RenderPlan,
    readonly options: ResolvedDistributedOptions,
    readonly directory: WorkDirectory,
    readonly processOptions: Pick<ProcessOptions, 'onStart' | 'onEnd'>,
  ) {
    this.#tools = locateFfmpeg(options);
  }

  /**
   * Checks that every chunk holds its frames, some at a time, and that all are coded alike: the file of all of
   * them tells a decoder once how to read it. The first that is wrong fails the group. One that was `verified`
   * when it was rendered is not looked into again while its file is the same.
   */
  async verifyAll(verified: ReadonlyMap<RenderChunk, VerifiedChunk>, group: TaskGroup): Promise<void> {
    const { chunks, concurrency } = this.plan;
    const codings = new Map<RenderChunk, VideoCoding>();
    const left = [...chunks];
    for (let reader = 0; reader < Math.max(concurrency, availableParallelism()); reader++) {
      group.go(async (signal) => {
        for (let chunk = left.shift(); chunk && !signal.aborted; chunk = left.shift()) {
          // With a chunk for each worker they have the same numbers.
          const worker = chunks.length === concurrency ? { worker: chunk.index } : {};
          codings.set(chunk, await this.#codingOf(chunk, verified, signal, worker));
        }
      });
    }
    await group.join();
    requireAlike(chunks, codings);
  }

  /** The same for some of the chunks, after the render has stopped. */
  async verifySome(
    chunks: readonly RenderChunk[],
    verified: ReadonlyMap<RenderChunk, VerifiedChunk>,
    signal: AbortSignal,
  ): Promise<void> {
    const codings = new Map<RenderChunk, VideoCoding>();
    for (const chunk of chunks) codings.set(chunk, await this.#codingOf(chunk, verified, signal));
    requireAlike(chunks, codings);
  }

  async #codingOf(
    chunk: RenderChunk,
    verified: ReadonlyMap<RenderChunk, VerifiedChunk>,
    signal: AbortSignal,
    position?: RenderPosition,
  ): Promise<VideoCoding> {
    const path = this.directory.file(chunk.fileName);
    const { stamp, coding } = verified.get(chunk) ?? {};
    if (coding && stamp && (await isUnchanged(path, stamp))) return coding;
    return this.verify(path, chunk.frameCount, signal, position);
  }

  /** Checks that a file holds exactly so many frames of this render. Throws a VerificationError. */
  async verify(path: string, frames: number, signal: AbortSignal, position: RenderPosition = {}): Promise<VideoCoding> {
    const { fps, width, height } = this.plan;
    const expected = { frames, fps, width, height };
    return verifyVideo(path, expected, {
      ffprobe: this.#tools.ffprobe,
      signal,
      deadlineMs: this.options.deadlines.verify,
      position: { phase: 'verify', ...position },
      ...this.processOptions,
    });
  }

  /** Makes one file of chunks that follow one another, without encoding again, and checks it. */
  async join(chunks: readonly RenderChunk[], output: string, signal: AbortSignal): Promise<void> {
    const [first] = chunks;
    // It is the finished file already, and has been checked.
    if (!first!.options.joinable) return this.#copy(first!, output, signal);
    await this.#concat(chunks, output, signal);
    const frames = chunks.reduce((sum, { frameCount }) => sum + frameCount, 0);
    await this.verify(output, frames, signal);
  }

  async #copy({ fileName }: RenderChunk, output: string, signal: AbortSignal): Promise<void> {
    const deadlineMs = this.options.deadlines.concat;
    const late = () => new StallError('the disk to take the video', deadlineMs, { phase: 'concat' });
    try {
      await underDeadline(signal, deadlineMs, late, (either) =>
        pipeline(createReadStream(this.directory.file(fileName)), createWriteStream(output), { signal: either }),
      );
    } catch (error) {
      throw signal.aborted ? error : orShortage(error);
    }
  }

  async #concat(chunks: readonly RenderChunk[], output: string, signal: AbortSignal): Promise<void> {
    // All names are relative to the directory, whose own may hold what a list cannot, such as a newline.
    const list = 'chunks.ffconcat';
    const files = chunks.map(({ fileName, frameCount }) => ({ path: fileName, frameCount }));
    const deadlineMs = this.options.deadlines.concat;
    const writing = writeFile(this.directory.file(list), concatList(files, this.plan.fps));
    const position = { phase: 'concat' } as const;
    await onDisk(writing, { waitingFor: 'the disk to take the list of chunks', deadlineMs, position, signal });
    const extension = extname(this.plan.outputPath).slice(1).toLowerCase();
    const end = await runCommand(this.#tools.ffmpeg, concatArguments(list, output, extension), {
      role: 'concat',
      cwd: this.directory.path,
      signal,
      deadlineMs,
      late: () => new StallError('ffmpeg to join the chunks', deadlineMs, { phase: 'concat' }),
      ...this.processOptions,
    });
    if (end.code !== 0 || ranOutOfDisk(end))
      throw new EncoderError('joining the chunks failed', end, { phase: 'concat' });
  }
}

/** Throws a VerificationError that names the first chunk that is coded otherwise than the first of all. */
function requireAlike(chunks: readonly RenderChunk[], codings: ReadonlyMap<RenderChunk, VideoCoding>): void {
  const [first, ...others] = chunks;
  for (const chunk of others) {
    const differences = codingDifferences(codings.get(first!)!, codings.get(chunk)!);
    if (differences.length === 0) continue;
    throw new VerificationError(
      `chunk ${chunk.index} (from frame ${chunk.startFrame}) is coded otherwise than chunk ${first!.index}, and cannot ` +
        `be joined to it: ${differences.join(', ')}. Were they rendered by different versions, or with other options?`,
      { phase: 'verify' },
    );
  }
}
