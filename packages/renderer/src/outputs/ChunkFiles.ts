import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { EncoderError, StallError, VerificationError, type RenderPosition } from '../errors.js';
import { concatArguments, concatList } from '../ffmpeg/arguments.js';
import { codingDifferences, type VideoCoding } from '../ffmpeg/coding.js';
import type { FfmpegPaths } from '../ffmpeg/findFfmpeg.js';
import { isUnchanged } from '../ffmpeg/fileStamp.js';
import { verifyVideo } from '../ffmpeg/verify.js';
import { underDeadline } from '../lifecycle/abort.js';
import { ranOutOfDisk } from '../lifecycle/howItEnded.js';
import { runCommand } from '../lifecycle/runCommand.js';
import { explainShortage } from '../lifecycle/shortage.js';
import type { TaskGroup } from '../lifecycle/TaskGroup.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedOptions } from '../options/options.js';
import type { RenderChunk } from '../options/plan.js';
import type { OutputJob, RenderedChunks, VerifiedFile } from './Output.js';

/** What is needed to check files and to join them. */
interface ChunkTools {
  tools: FfmpegPaths;
  job: OutputJob;
  /** Where the files of the chunks are. */
  directory: WorkDirectory;
}

/** The video files of a render's chunks: checks them, and joins them. */
export class ChunkFiles {
  constructor(
    readonly options: ResolvedOptions,
    readonly context: ChunkTools,
  ) {}

  /**
   * Checks that every chunk has all its frames, and that all chunks are coded alike, because the joined file has one
   * header for all. A chunk that was verified when it was rendered is not read again if its file is unchanged. With
   * `parallel`, several are read at a time as tasks of this group, which the first invalid one fails.
   */
  async verify(rendered: RenderedChunks, parallel?: { group: TaskGroup; workers: number }): Promise<void> {
    const { chunks, verified } = rendered;
    const { signal } = this.context.job;
    const codings = new Map<RenderChunk, VideoCoding>();
    const left = [...chunks];
    const inspectRest = async () => {
      for (let chunk = left.shift(); chunk && !signal.aborted; chunk = left.shift()) {
        // With one chunk per worker, chunk and worker have the same index.
        const place = chunks.length === parallel?.workers ? { worker: chunk.index } : {};
        codings.set(chunk, await this.#codingOf(chunk, verified.get(chunk), place));
      }
    };
    if (parallel) {
      const { group, workers } = parallel;
      for (let reader = 0; reader < Math.max(workers, availableParallelism()); reader++) group.go(inspectRest);
      await group.join();
    } else await inspectRest();
    requireAlike(chunks, codings);
  }

  async #codingOf(chunk: RenderChunk, known: VerifiedFile | undefined, place: RenderPosition): Promise<VideoCoding> {
    const path = this.context.directory.file(chunk.fileName);
    if (known?.coding && known.stamp && (await isUnchanged(path, known.stamp))) return known.coding;
    return this.inspect(path, chunk.frameCount, place);
  }

  /** Checks that a file has exactly this many frames of this render. Rejects with a VerificationError if not. */
  async inspect(path: string, frames: number, position: RenderPosition = {}): Promise<VideoCoding> {
    const { fps, pixelWidth: width, pixelHeight: height, deadlines } = this.options;
    const { tools, job } = this.context;
    const expected = { frames, fps, width, height };
    return verifyVideo(path, expected, {
      ffprobe: tools.ffprobe,
      deadlineMs: deadlines.verify,
      position: { phase: 'verify', ...position },
      ...job.processOptions(),
      signal: job.signal,
    });
  }

  /** Joins consecutive chunks to one file without encoding again, and checks it. */
  async join(chunks: readonly RenderChunk[], output: string): Promise<void> {
    const [first] = chunks;
    // The chunk is already the finished video, and has been checked.
    if (!first!.options.joinable) return this.#copy(first!, output);
    await this.#concat(chunks, output);
    const frames = chunks.reduce((sum, { frameCount }) => sum + frameCount, 0);
    await this.inspect(output, frames);
  }

  async #copy({ fileName }: RenderChunk, output: string): Promise<void> {
    const { directory, job } = this.context;
    const deadlineMs = this.options.deadlines.concat;
    const late = () => new StallError('the disk to take the video', deadlineMs, { phase: 'concat' });
    try {
      await underDeadline(job.signal, deadlineMs, late, (signal) =>
        pipeline(createReadStream(directory.file(fileName)), createWriteStream(output), { signal }),
      );
    } catch (error) {
      throw job.signal.aborted ? error : explainShortage(error);
    }
  }

  async #concat(chunks: readonly RenderChunk[], output: string): Promise<void> {
    const { tools, job, directory } = this.context;
    const { fps, extension, deadlines } = this.options;
    // Names are relative to the directory, whose own path may contain what a list cannot, such as a newline.
    const list = 'chunks.ffconcat';
    const files = chunks.map(({ fileName, frameCount }) => ({ path: fileName, frameCount }));
    const deadlineMs = deadlines.concat;
    const writing = writeFile(directory.file(list), concatList(files, fps));
    const position = { phase: 'concat' } as const;
    await job.wait(writing, deadlineMs, 'the disk to take the list of chunks', position);
    const end = await runCommand(tools.ffmpeg, concatArguments(list, output, extension), {
      role: 'concat',
      cwd: directory.path,
      deadlineMs,
      late: () => new StallError('ffmpeg to join the chunks', deadlineMs, position),
      ...job.processOptions(),
      signal: job.signal,
    });
    if (end.code !== 0 || ranOutOfDisk(end)) throw new EncoderError('joining the chunks failed', end, position);
  }
}

/** Throws a VerificationError that names the first chunk that is coded differently from chunk 0. */
function requireAlike(chunks: readonly RenderChunk[], codings: ReadonlyMap<RenderChunk, VideoCoding>): void {
  const [first, ...others] = chunks;
  for (const chunk of others) {
    const differences = codingDifferences(codings.get(first!)!, codings.get(chunk)!);
    if (differences.length === 0) continue;
    throw new VerificationError(
      `chunk ${chunk.index} (from frame ${chunk.startFrame}) is coded differently from chunk ${first!.index} and cannot ` +
        `be joined to it: ${differences.join(', ')}. Were they rendered by different versions or with different options?`,
      { phase: 'verify' },
    );
  }
}
