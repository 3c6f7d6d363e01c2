import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder } from '../lifecycle/makeFolder.js';
import { keepTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';
import { withoutPassword } from '../redact.js';
import { cacheDirectory } from './cacheDirectory.js';
import { readRecord, writeRecord, type ChunkRecord } from './chunkRecord.js';
import type { FileHash } from './FileHashes.js';
import { copyHashed, hashFile, requireFile, saysDamaged, syncFolder, syncToDisk } from './files.js';

/** The names that keys and entries have: whatever else is in the folder is not ours. */
const ENTRY = /^[0-9a-f]{32}$/;
/** Pages and their addresses may be nobody else's business. */
const PRIVATE = 0o700;
/** The names of entries that are being written, and how old one is that nobody writes any more, in milliseconds. */
const STAGED = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STAGED_MS = 24 * 3600 * 1000;
/** How often an entry is put in its place: others may be tidying there, or keep the same chunk. */
const ATTEMPTS = 3;

/** A chunk in the store, as `list` tells it. */
export interface KeptChunk {
  /** Empty, and no frames, where the record of the chunk cannot be read. */
  url: string;
  startFrame: number;
  frameCount: number;
  path: string;
  bytes: number;
  /** When it was made or last used. */
  usedAt: Date;
  /** It is of no use to any render, and goes with the next pruning. */
  damaged: boolean;
}

/** What may stay in the store. Without a limit of its kind everything does, but for what is damaged. */
export interface PruneLimits {
  /** Chunks that were not used for longer are removed, in milliseconds. */
  maxAgeMs?: number;
  /** The least recently used are removed until the rest takes no more, in bytes. */
  maxBytes?: number;
}

/**
 * Finished chunks, kept under what made them: `<directory>/chunks/<key>/<content>/`. An entry appears
 * by one rename and never changes, so that any number of renders can share the store.
 */
export class ChunkStore {
  readonly #chunks: string;

  /** `directory`: default as `cacheDirectory()`. */
  constructor(directory = cacheDirectory()) {
    this.#chunks = join(resolve(directory), 'chunks');
  }

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
      keepTemporary(staged);
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
      if (await this.#place(staged, key, content)) keepTemporary(staged);
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

  /** Every chunk in the store, the most recently used first. Rejects where the store cannot be read. */
  async list(): Promise<KeptChunk[]> {
    const kept: KeptChunk[] = [];
    for (const key of await namesIn(this.#chunks, ENTRY)) {
      const folder = join(this.#chunks, key);
      const isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory();
      const names = isFolder ? await namesIn(folder, ENTRY).catch(() => []) : [''];
      for (const name of names) {
        const chunk = await describe(join(folder, name));
        if (chunk) kept.push(chunk);
      }
    }
    return kept.sort((one, other) => other.usedAt.getTime() - one.usedAt.getTime());
  }

  /**
   * Removes what the limits do not allow, and what is damaged. Returns what was removed. Rejects, when it
   * has removed what it could, with the first error of the rest.
   */
  async prune({ maxAgeMs = Infinity, maxBytes = Infinity }: PruneLimits): Promise<KeptChunk[]> {
    const removed: KeptChunk[] = [];
    const errors: unknown[] = [];
    let bytes = 0;
    for (const chunk of await this.list()) {
      const isRecent = Date.now() - chunk.usedAt.getTime() <= maxAgeMs;
      if (!chunk.damaged && isRecent && bytes + chunk.bytes <= maxBytes) {
        bytes += chunk.bytes;
        continue;
      }
      try {
        await rm(chunk.path, { recursive: true, force: true });
        removed.push(chunk);
      } catch (error) {
        errors.push(error);
      }
    }
    await this.#removeRemains();
    if (errors.length > 0) throw errors[0];
    return removed;
  }

  /** Folders of keys that hold nothing more, and what was being written when its machine went down. */
  async #removeRemains(): Promise<void> {
    for (const key of await namesIn(this.#chunks, ENTRY)) await rmdir(join(this.#chunks, key)).catch(() => {});
    for (const name of await namesIn(this.#chunks, STAGED)) {
      const path = join(this.#chunks, name);
      const made = await lstat(path).catch(() => undefined);
      if (!made || Date.now() - made.mtimeMs < STAGED_MS) continue;
      await rm(path, { recursive: true, force: true }).catch(() => {});
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

/** Undefined when it is gone meanwhile. */
async function describe(path: string): Promise<KeptChunk | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return undefined;
  const record = await readRecord(path).catch(() => undefined);
  const files = await readdir(path).catch(() => []);
  const sizes = files.map(async (file) => (await stat(join(path, file)).catch(() => undefined))?.size ?? 0);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const damaged = record === 'damaged' || (record !== undefined && !(await areThere(path, record)));
  const { url = '', startFrame = 0, frameCount = 0 } = record === 'damaged' ? {} : (record ?? {});
  return { url: withoutPassword(url), startFrame, frameCount, path, bytes, usedAt: found.mtime, damaged };
}

/** Whether every part is there. What is in them is seen when they are used. */
async function areThere(entry: string, { parts }: ChunkRecord): Promise<boolean> {
  try {
    for (const name of Object.keys(parts)) await requireFile(join(entry, name));
    return true;
  } catch (error) {
    return !saysDamaged(error);
  }
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

/** The names in a folder that look like this; none where there is no such folder, or for one more reason. */
async function namesIn(folder: string, pattern: RegExp, reason?: 'ENOTDIR'): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => pattern.test(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === reason) return [];
    throw error;
  }
}
