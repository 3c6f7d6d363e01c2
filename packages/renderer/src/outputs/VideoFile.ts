import { stat } from 'node:fs/promises';
import { locateFfmpeg, type FfmpegPaths } from '../ffmpeg/findFfmpeg.js';
import { stampOf } from '../ffmpeg/fileStamp.js';
import type { FrameFormat } from '../ffmpeg/Frame.js';
import { FrameEncoder } from '../ffmpeg/FrameEncoder.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { TaskGroup } from '../lifecycle/TaskGroup.js';
import type { ResolvedOptions } from '../options/options.js';
import type { RenderChunk } from '../options/plan.js';
import { ChunkFiles } from './ChunkFiles.js';
import type { FrameHashes } from './FrameHashes.js';
import type { ChunkFormat, Encoding, FrameOutput, RenderedChunks, VerifiedFile } from './Output.js';
import { SingleFile } from './SingleFile.js';

/** A video: encoded by ffmpeg in one go, or joined from chunks without encoding again. */
export class VideoFile extends SingleFile implements FrameOutput {
  readonly option = 'output';
  #tools: FfmpegPaths | undefined;

  constructor(
    destination: string,
    readonly options: ResolvedOptions,
    /** If given, the encoder also lists the hashes of its frames. */
    readonly hashes?: FrameHashes,
  ) {
    super(destination);
  }

  /** A single chunk is the finished video. Several chunks have a container that can be joined by copying. */
  chunkFormat(isPart: boolean): ChunkFormat {
    const { codec, extension, lossless } = this.options;
    // The chunk's extension must not change the codec that the output's extension asked for.
    const options = lossless ? {} : { videoCodec: codec.encoder };
    if (!isPart) return { extension, options };
    return { extension: codec.chunkExtension, options: { ...options, joinable: true } };
  }

  findTools(): void {
    this.#tools = locateFfmpeg(this.options);
  }

  encode(scope: JobScope, format: FrameFormat): Encoding {
    const { ffmpeg } = this.#tools!;
    const paths = { ffmpeg, output: this.staged.file.path, hashes: this.hashes?.captured };
    return new FrameEncoder(scope, this.options, { format, ...paths });
  }

  async verify(): Promise<VerifiedFile> {
    const { job, file } = this.staged;
    const { frameCount, deadlines } = this.options;
    const stamp = await job.wait(stampOf(file.path), deadlines.verify, "the disk to return the video's size and time");
    const coding = await this.#chunkFiles().inspect(file.path, frameCount, job.position);
    return { coding, ...(stamp ? { stamp } : {}) };
  }

  verifyChunks(rendered: RenderedChunks, parallel?: { group: TaskGroup; workers: number }): Promise<void> {
    return this.#chunkFiles().verify(rendered, parallel);
  }

  join(chunks: readonly RenderChunk[]): Promise<void> {
    return this.#chunkFiles().join(chunks, this.staged.file.path);
  }

  async bytes(): Promise<number> {
    const { job, file } = this.staged;
    return (await job.wait(stat(file.path), this.options.deadlines.concat, 'the disk')).size;
  }

  #chunkFiles(): ChunkFiles {
    const { job, directory } = this.staged;
    return new ChunkFiles(this.options, { tools: this.#tools!, job, directory });
  }
}
