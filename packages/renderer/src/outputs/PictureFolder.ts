import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RenderPosition } from '../errors.js';
import { makeFolder } from '../lifecycle/makeFolder.js';
import { StagedOutput } from '../lifecycle/StagedOutput.js';
import { unregisterTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';
import type { Output, OutputJob } from './Output.js';

/** Pictures that appear in a folder all together or not at all. The folder is created when the first is added. */
export class PictureFolder implements Output {
  readonly option = 'pictures';
  readonly files: StagedOutput[] = [];
  #job: OutputJob | undefined;
  /** The topmost folder that was created, which is removed unless there is a commit. */
  #made: string | undefined;

  constructor(readonly destination: string) {}

  stage(job: OutputJob): void {
    this.#job = job;
  }

  /** Writes a picture. Resolves with the path that it will have after the commit. */
  async add(name: string, png: Buffer, deadlineMs: number, place: RenderPosition): Promise<string> {
    const job = this.#job!;
    const made = makeFolder(this.destination);
    if (made !== undefined) {
      this.#made = made;
      registerTemporary(made);
    }
    const file = new StagedOutput(join(this.destination, name), job.leftover);
    this.files.push(file);
    await job.wait(writeFile(file.path, png), deadlineMs, `the disk to take ${file.destination}`, place);
    return file.destination;
  }

  committed(): void {
    if (this.#made !== undefined) unregisterTemporary(this.#made);
    this.#made = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.files) await file[Symbol.asyncDispose]();
    if (this.#made !== undefined) await removeTemporary(this.#made, this.#job!.leftover);
  }
}
