import { writeFile } from 'node:fs/promises';
import { SingleFile } from './SingleFile.js';

/** One picture in a file: a still. */
export class PictureFile extends SingleFile {
  readonly option = 'output';

  async write(png: Buffer, deadlineMs: number): Promise<void> {
    const { job, file } = this.staged;
    await job.wait(writeFile(file.path, png), deadlineMs, 'the disk to take the picture');
  }
}
