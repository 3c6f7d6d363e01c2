import { readFile, writeFile } from 'node:fs/promises';
import { formatHashes, parseFrameHashes } from '../ffmpeg/frameHashes.js';
import type { RenderChunk } from '../options/plan.js';
import type { ResolvedOptions } from '../options/options.js';
import type { SideOutput, ChunkFormat } from './Output.js';
import { SingleFile } from './SingleFile.js';

/** The list of all frames' hashes, next to the video. The video's ffmpeg computes them before it encodes. */
export class FrameHashes extends SingleFile implements SideOutput {
  readonly option = 'frameHashes';

  constructor(
    destination: string,
    readonly options: ResolvedOptions,
  ) {
    super(destination);
  }

  /** Path of the file to which ffmpeg writes the hashes, in its own format. */
  get captured(): string {
    return this.staged.directory.file('frames.framehash');
  }

  chunkFormat(): ChunkFormat {
    return { extension: 'hashes' };
  }

  async finish(): Promise<void> {
    const { job, file } = this.staged;
    const { startFrame, deadlines } = this.options;
    const writing = readFile(this.captured, 'utf8').then((text) =>
      writeFile(file.path, formatHashes(parseFrameHashes(text), startFrame)),
    );
    await job.wait(writing, deadlines.concat, 'the disk to take the list of hashes');
  }

  async join(chunks: readonly RenderChunk[]): Promise<void> {
    const { job, file, directory } = this.staged;
    const parts = chunks.map(({ options }) => readFile(directory.file(options.frameHashes!), 'utf8'));
    const writing = Promise.all(parts).then((lists) => writeFile(file.path, lists.join('')));
    await job.wait(writing, this.options.deadlines.concat, 'the disk');
  }
}
