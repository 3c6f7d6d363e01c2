import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../lifecycle/makeFolder.js';
import { unregisterTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';
import { ENTRY, readRecord, writeRecord, type ChunkRecord } from './chunkRecord.js';
import { ChunkStore } from './ChunkStore.js';
import type { FileHash } from './FileHashes.js';
import { copyHashed, hashFile, namesIn, saysDamaged, syncFolder, syncToDisk } from './files.js';

/** Pages and their addresses may be nobody else's business. */
const PRIVATE = 0o700;
/** How often an entry is put in its place: others may be tidying there, or keep the same chunk. */
const ATTEMPTS = 3;

/**
 * The store as a render uses it: finished chunks, kept under what made them. An entry appears by one rename and never
 * changes, so that any number of renders can share the store.
 */
export class RenderChunkStore extends ChunkStore {
  readonly #chunks = join(this.directory, 'chunks');

  /**
   * Copies the parts of a kept chunk to their places, when there is one of this key whose composition
   * `matches`. A chunk whose bytes are not what they were is removed from the store. Rejects where none is
   * found because something could not be read, and with `signal.reason`.
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
        // It may be another user's; the next one may be ours.
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return undefined;
  }

  /**
   * Keeps a chunk: copies its parts, given by name, and puts them in place at once. Rejects with the system's error
   * where it cannot be kept, and with `signal.reason` itself after an abort, when nothing is left of it.
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
      // There is nothing to remove, and perhaps nowhere to look for it.
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

  /** One rename. False where another render has kept the same chunk meanwhile: then its entry stays. */
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
        // What is in the way is no entry, or one that is of no use.
        const isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory();
        await rm(isFolder ? entry : folder, { recursive: true, force: true });
      }
    }
  }
}

/** Takes the parts from an entry, when it is the one. Removes it when it is damaged. */
async function take(
  entry: string,
  matches: (files: readonly FileHash[]) => Promise<boolean>,
  places: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<ChunkRecord | undefined> {
  const record = await readRecord(entry);
  if (record !== 'damaged' && !(await matches(record.files))) return undefined;
  if (record !== 'damaged' && (await copyParts(entry, record, places, signal))) {
    // The time of its last use is for tidying alone, and the store may be for reading alone.
    const now = new Date();
    await utimes(entry, now, now).catch(() => {});
    return record;
  }
  await rm(entry, { recursive: true, force: true }).catch(() => {});
  return undefined;
}

/** Whether a rename found something in its place. */
function saysTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** False when a part is missing or is not what it was. */
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
      // It may be the place that it goes to: then the chunk is as good as before.
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
