import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { InputError, type RenderPosition } from '../errors.js';
import { waitForDisk } from './waitForDisk.js';
import { unregisterTemporary, registerTemporary, removeTemporary } from './temporaryPaths.js';

/** So many characters of a name, of up to three bytes each, leave room for the end of a staged one (255 bytes in all). */
const LONGEST_NAME = 60;
/** An extension is kept, as it says what a file holds; what is longer is none. */
const LONGEST_EXTENSION = 10;

/** A new name beside a destination. */
export function stagedPath(destination: string): string {
  const name = basename(destination);
  const extension = extname(name).length > LONGEST_EXTENSION ? '' : extname(name);
  const short = name.length <= LONGEST_NAME ? name : name.slice(0, LONGEST_NAME - extension.length) + extension;
  return join(dirname(destination), `${short}.part-${randomUUID().slice(0, 8)}`);
}

/** What the system says where nothing can be written, however often it is tried. */
const CLOSED = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENAMETOOLONG'];

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
    this.path = stagedPath(this.destination);
    registerTemporary(this.path);
  }

  /** Makes sure that files can be written beside these destinations, before there are any. Throws an InputError. */
  static async probe(destinations: readonly string[], onLeftover: (path: string) => void): Promise<void> {
    for (const destination of destinations) {
      await using staged = new StagedOutput(destination, onLeftover);
      try {
        writeFileSync(staged.path, '', { flag: 'wx' });
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!CLOSED.includes(code)) throw error;
        throw new InputError(`${destination} cannot be written: ${dirname(destination)} takes no file (${code})`);
      }
    }
  }

  /**
   * The commit of files that belong together: all are put in place, or none is. The last one is the
   * one that matters most. Synchronous, as each commit is.
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
   * Flushes the complete file to disk: what is left to do is the commit. Rejects with `signal.reason` itself as soon
   * as the signal aborts, and with a StallError with this position when the disk needs longer than the deadline, in
   * milliseconds.
   */
  async flush(deadlineMs: number, position: RenderPosition, signal?: AbortSignal): Promise<void> {
    await waitForDisk(this.#sync(), { waitingFor: `the disk to take ${this.destination}`, deadlineMs, position, signal });
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
    unregisterTemporary(this.path);
  }

  /** Commits it so that this can be taken back. */
  #replace(): Replacement {
    const old = stagedPath(this.destination);
    registerTemporary(old);
    let wasThere: boolean;
    try {
      wasThere = keepAs(this.destination, old);
      renameSync(this.path, this.destination);
    } catch (error) {
      forget(old);
      throw error;
    }
    return {
      undo: () => {
        // From now on it may be the only copy of what was there: nobody is to remove it.
        unregisterTemporary(old);
        try {
          // Where nothing was, the file is staged again, and is removed as such.
          if (wasThere) renameSync(old, this.destination);
          else renameSync(this.destination, this.path);
        } catch {
          this.onLeftover(wasThere ? old : this.destination);
        }
      },
      settle: () => {
        this.#committed = true;
        unregisterTemporary(this.path);
        forget(old);
      },
    };
  }

  /** Removes what was not committed; makes what was last. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#committed) await syncDirectory(dirname(this.destination));
    else await removeTemporary(this.path, this.onLeftover);
  }
}

/** A file that has been put in place, with what was there before beside it. */
interface Replacement {
  undo: () => void;
  settle: () => void;
}

/** Keeps a file under a second name. False where there is none. */
function keepAs(path: string, second: string): boolean {
  try {
    linkSync(path, second);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  }
  // Not every file system has links, and not every file of others may be linked.
  copyFileSync(path, second, constants.COPYFILE_FICLONE);
  return true;
}

function forget(path: string): void {
  try {
    rmSync(path, { force: true });
    unregisterTemporary(path);
  } catch {
    // It stays registered: whoever cleans up after this process removes it.
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
