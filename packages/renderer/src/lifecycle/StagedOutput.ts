import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { InputError, type RenderPosition } from '../errors.js';
import { waitForDisk } from './waitForDisk.js';
import { unregisterTemporary, registerTemporary, removeTemporary } from './temporaryPaths.js';

/** Longest part of the destination's name that a staged name repeats: 255 bytes in all, up to three per character. */
const LONGEST_NAME = 60;
/** A shortened name keeps its extension, which says what the file contains. Anything longer is not an extension. */
const LONGEST_EXTENSION = 10;

/** A new path in the destination's folder. */
export function stagedPath(destination: string): string {
  const name = basename(destination);
  const extension = extname(name).length > LONGEST_EXTENSION ? '' : extname(name);
  const short = name.length <= LONGEST_NAME ? name : name.slice(0, LONGEST_NAME - extension.length) + extension;
  return join(dirname(destination), `${short}.part-${randomUUID().slice(0, 8)}`);
}

/** Error codes that mean that a folder can never be written to. */
const UNWRITABLE = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENAMETOOLONG'];

/**
 * A file that appears complete or not at all. It is written next to its destination, on the same
 * file system, and one rename puts it in place. Before the rename the destination holds its old
 * bytes, afterwards the new ones.
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
    this.path = stagedPath(this.destination);
    registerTemporary(this.path);
  }

  /** Checks beforehand that files can be written next to these destinations. Rejects with an InputError if not. */
  static async probe(destinations: readonly string[], onLeftover: (path: string) => void): Promise<void> {
    for (const destination of destinations) {
      await using staged = new StagedOutput(destination, onLeftover);
      try {
        writeFileSync(staged.path, '', { flag: 'wx' });
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!UNWRITABLE.includes(code)) throw error;
        throw new InputError(`${destination} cannot be written: ${dirname(destination)} accepts no files (${code})`);
      }
    }
  }

  /**
   * Commits files that belong together: either all are put in place or none. The last one must be the most
   * important. Synchronous, like each commit.
   */
  static commitAll(files: readonly StagedOutput[]): void {
    const last = files.at(-1);
    const done: Replacement[] = [];
    try {
      for (const file of files) {
        if (file === last) file.commit();
        else done.push(file.#replace());
      }
    } catch (error) {
      for (const each of done.reverse()) each.undo();
      throw error;
    }
    for (const each of done) each.settle();
  }

  /**
   * Flushes the complete file to disk, to be ready for the commit. Rejects with `signal.reason` itself as soon as the
   * signal aborts, and with a StallError at this position if the disk takes longer than the deadline, in milliseconds.
   */
  async flush(deadlineMs: number, position: RenderPosition, signal?: AbortSignal): Promise<void> {
    await waitForDisk(this.#sync(), {
      waitingFor: `the disk to take ${this.destination}`,
      deadlineMs,
      position,
      signal,
    });
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
   * The commit: one rename puts the file in place. It is synchronous, so that no abort can happen between the
   * caller's last check of the signal, the rename, and the caller's record that it is done.
   */
  commit(): void {
    renameSync(this.path, this.destination);
    this.#committed = true;
    unregisterTemporary(this.path);
  }

  /** Commits the file in a way that can be undone. */
  #replace(): Replacement {
    const old = stagedPath(this.destination);
    registerTemporary(old);
    let existed: boolean;
    try {
      existed = linkOrCopy(this.destination, old);
      renameSync(this.path, this.destination);
    } catch (error) {
      removeBackup(old);
      throw error;
    }
    return {
      undo: () => {
        // From now on this may be the only copy of the old file, so nothing may remove it.
        unregisterTemporary(old);
        try {
          // If there was no old file, the new one becomes staged again, and is removed as such.
          if (existed) renameSync(old, this.destination);
          else renameSync(this.destination, this.path);
        } catch {
          this.onLeftover(existed ? old : this.destination);
        }
      },
      settle: () => {
        this.#committed = true;
        unregisterTemporary(this.path);
        removeBackup(old);
      },
    };
  }

  /** Removes the file if it was not committed, else flushes the rename to disk. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#committed) await syncDirectory(dirname(this.destination));
    else await removeTemporary(this.path, this.onLeftover);
  }
}

/** A file that has been put in place while a backup of the old one is kept. */
interface Replacement {
  undo: () => void;
  settle: () => void;
}

/** Keeps a file under a second name. False if it does not exist. */
function linkOrCopy(path: string, second: string): boolean {
  try {
    linkSync(path, second);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  }
  // Some file systems have no hard links, and some files of other users must not be linked.
  copyFileSync(path, second, constants.COPYFILE_FICLONE);
  return true;
}

function removeBackup(path: string): void {
  try {
    rmSync(path, { force: true });
    unregisterTemporary(path);
  } catch {
    // It stays registered, so that the guardian or the next sweep removes it.
  }
}

/** Makes the rename survive a power failure, if the system can flush directories. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // Windows and some network file systems cannot. The file itself is safe.
  }
}
