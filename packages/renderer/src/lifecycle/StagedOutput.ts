import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { RenderPosition } from '../errors.js';
import { onDisk } from './onDisk.js';
import { keepTemporary, registerTemporary, removeTemporary } from './temporaryPaths.js';

/**
 * A file that appears complete or not at all. It is written beside its destination, on the same
 * file system, and one rename puts it in place: before the rename the destination holds its old
 * bytes, after it the new ones.
 */
export class StagedOutput implements AsyncDisposable {
  readonly destination: string;
  /** Where to write until the commit. */
  readonly path: string;
  #committed = false;

  constructor(
    destination: string,
    readonly onLeftover: (path: string) => void = () => {},
  ) {
    this.destination = resolve(destination);
    this.path = `${this.destination}.part-${randomUUID().slice(0, 8)}`;
    registerTemporary(this.path);
  }

  /**
   * Flushes the complete file to disk: what is left to do is the commit. Rejects with `signal.reason` itself as soon
   * as the signal aborts, and with a StallError with this position when the disk needs longer than the deadline, in
   * milliseconds.
   */
  async flush(deadlineMs: number, position: RenderPosition, signal?: AbortSignal): Promise<void> {
    await onDisk(this.#sync(), { waitingFor: `the disk to take ${this.destination}`, deadlineMs, position, signal });
  }

  async #sync(): Promise<void> {
    const file = await open(this.path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /**
   * The commit: one rename puts the file in place. It is synchronous, so that no abort can come
   * between the last look at the signal, the rename, and the caller's note that it is done.
   */
  commit(): void {
    renameSync(this.path, this.destination);
    this.#committed = true;
    keepTemporary(this.path);
  }

  /** Removes what was not committed; makes what was last. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#committed) await syncDirectory(dirname(this.destination));
    else await removeTemporary(this.path, this.onLeftover);
  }
}

/** Makes the rename itself survive a power failure, where the system lets a directory be flushed. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // Windows and some network file systems cannot; the file itself is safe.
  }
}
