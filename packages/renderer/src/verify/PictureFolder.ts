import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RenderPosition } from '../errors.js';
import { makeFolder } from '../lifecycle/makeFolder.js';
import { onDisk } from '../lifecycle/onDisk.js';
import { StagedOutput } from '../lifecycle/StagedOutput.js';
import { keepTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';

/** Pictures that appear in a folder all together or not at all. The folder itself is made when the first is added. */
export class PictureFolder implements AsyncDisposable {
  readonly #files: StagedOutput[] = [];
  /** The topmost folder that was made, and is to be removed unless there is a commit. */
  #made: string | undefined;

  constructor(
    readonly path: string,
    readonly onLeftover: (path: string) => void,
  ) {}

  /** Writes a picture and flushes it to disk; resolves with the path that it will have. */
  async add(
    name: string,
    png: Buffer,
    deadlineMs: number,
    position: RenderPosition,
    signal: AbortSignal,
  ): Promise<string> {
    const made = makeFolder(this.path);
    if (made !== undefined) {
      this.#made = made;
      registerTemporary(made);
    }
    const file = new StagedOutput(join(this.path, name), this.onLeftover);
    this.#files.push(file);
    const waitingFor = `the disk to take ${file.destination}`;
    await onDisk(writeFile(file.path, png), { waitingFor, deadlineMs, position, signal });
    await file.flush(deadlineMs, position, signal);
    return file.destination;
  }

  /** Puts every picture in its place. Synchronous, as each commit is. */
  commit(): void {
    StagedOutput.commitAll(this.#files);
    if (this.#made !== undefined) keepTemporary(this.#made);
    this.#made = undefined;
  }

  /** Removes what was not committed. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files) await file[Symbol.asyncDispose]();
    if (this.#made !== undefined) await removeTemporary(this.#made, this.onLeftover);
  }
}
