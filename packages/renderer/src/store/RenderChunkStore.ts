import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../lifecycle/makeFolder.js';
import { unregisterTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';
import { ENTRY, readRecord, writeRecord, type ChunkRecord } from './chunkRecord.js';
import { ChunkStore } from './ChunkStore.js';
import type { FileHash } from './FileHashes.js';
import { copyHashed, hashFile, namesIn, saysDamaged, syncFolder, syncToDisk } from './files.js';

/** Only the owner may read kept chunks, since pages and their addresses may be confidential. */
const PRIVATE = 0o700;
/** How often putting an entry in place is tried: other processes may be pruning, or storing the same chunk. */
const ATTEMPTS = 3;

/**
 * The store as a render uses it: finished chunks, by a key made from everything that determines them. An entry appears
 * by one rename and never changes, so that any number of renders can share the store.
 */
export class RenderChunkStore extends ChunkStore {
  readonly #chunks = join(this.directory, 'chunks');

  /**
   * Copies the parts of a kept chunk with this key to `places`, if the files of its composition match. A damaged chunk
   * is removed from the store. Resolves with undefined if there is none. Rejects if none is found and something could
   * not be read, and with `signal.reason` on abort.
   */
  async reuse(
    key: string,
    matches: (files: readonly FileHash[]) => Promise<boolean>,
    places: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<ChunkRecord | undefined> {
    const folder = join(this.#chunks, key);
    const errors: unknown[] = [];
    for (const name of await namesIn(folder, ENTRY, 'ENOTDIR')) {
      signal?.throwIfAborted();
      try {
        const record = await take(join(folder, name), matches, places, signal);
        if (record) return record;
      } catch (error) {
        signal?.throwIfAborted();
        // The entry may belong to another user, and the next one to us.
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return undefined;
  }

  /**
   * Keeps a chunk: copies its parts, given by name, and puts them in place together. Rejects with the system's error
   * if it cannot be kept, and with `signal.reason` itself after an abort, once nothing is left of it.
   */
  async keep(
    key: string,
    record: Omit<ChunkRecord, 'parts'>,
    parts: Record<string, string>,
    onLeftover: (path: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const content = createHash('sha256').update(JSON.stringify(record.files)).digest('hex').slice(0, 32);
    const staged = join(this.#chunks, `.${randomUUID()}`);
    makeFolder(this.#chunks, PRIVATE);
    registerTemporary(staged);
    try {
      await mkdir(staged, PRIVATE);
    } catch (error) {
      // Nothing was created, so there is nothing to remove.
      unregisterTemporary(staged);
      throw error;
    }
    try {
      const hashes: Record<string, string> = {};
      for (const [name, path] of Object.entries(parts)) {
        hashes[name] = await copyHashed(path, join(staged, name), signal);
        await syncToDisk(join(staged, name));
      }
      await writeRecord(staged, { ...record, parts: hashes });
      await syncFolder(staged);
      signal.throwIfAborted();
      if (await this.#place(staged, key, content)) unregisterTemporary(staged);
      else await removeTemporary(staged, onLeftover);
    } catch (error) {
      await removeTemporary(staged, onLeftover);
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Renames the staged entry into place. False if another render has meanwhile kept the same chunk, whose entry stays. */
  async #place(staged: string, key: string, content: string): Promise<boolean> {
    const folder = join(this.#chunks, key);
    const entry = join(folder, content);
    for (let attempt = 1; ; attempt++) {
      try {
        makeFolder(folder, PRIVATE);
        await rename(staged, entry);
        await syncFolder(folder);
        return true;
      } catch (error) {
        if ((await readRecord(entry).catch(() => undefined)) !== 'damaged') {
          if (saysTaken(error)) return false;
          throw error;
        }
        if (attempt === ATTEMPTS) throw error;
        // The name is taken by something that is not an entry, or by a damaged one.
        const isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory();
        await rm(isFolder ? entry : folder, { recursive: true, force: true });
      }
    }
  }
}

/** Copies the parts of an entry if it matches. Removes the entry if it is damaged. */
async function take(
  entry: string,
  matches: (files: readonly FileHash[]) => Promise<boolean>,
  places: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<ChunkRecord | undefined> {
  const record = await readRecord(entry);
  if (record !== 'damaged' && !(await matches(record.files))) return undefined;
  if (record !== 'damaged' && (await copyParts(entry, record, places, signal))) {
    // The time of last use only matters for pruning. Setting it fails on a read-only disk.
    const now = new Date();
    await utimes(entry, now, now).catch(() => {});
    return record;
  }
  await rm(entry, { recursive: true, force: true }).catch(() => {});
  return undefined;
}

/** Whether a rename failed because its target exists. */
function saysTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Copies the parts of an entry. False if a part is missing or damaged. */
async function copyParts(
  entry: string,
  { parts }: ChunkRecord,
  places: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (const [name, target] of Object.entries(places)) {
    const part = join(entry, name);
    try {
      if ((await copyHashed(part, target, signal)) !== parts[name]) return false;
    } catch (error) {
      signal?.throwIfAborted();
      // If the part is intact, it is the target that could not be written.
      if (await isIntact(part, parts[name], signal)) throw error;
      return false;
    }
  }
  return true;
}

async function isIntact(part: string, hash: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    return (await hashFile(part, signal)) === hash;
  } catch (error) {
    if (saysDamaged(error)) return false;
    throw error;
  }
}
