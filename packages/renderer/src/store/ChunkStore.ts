import { lstat, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withoutPassword } from '../redact.js';
import { cacheDirectory } from './cacheDirectory.js';
import { ENTRY, readRecord, type ChunkRecord } from './chunkRecord.js';
import { namesIn, requireFile, saysDamaged } from './files.js';

/** The form of the names of staged entries, and the age in milliseconds after which a staged entry is abandoned. */
const STAGED = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STAGED_MS = 24 * 3600 * 1000;

/** A chunk in the store, as returned by `list`. */
export interface KeptChunk {
  /** Address of the page. Empty if the record of the chunk cannot be read; there are no frames then. */
  url: string;
  /** First frame, from 0. */
  startFrame: number;
  /** Its length in frames. */
  frameCount: number;
  /** Absolute path of its folder. */
  path: string;
  /** Total size of its files. */
  bytes: number;
  /** When it was created or last used. */
  usedAt: Date;
  /** Whether it is unusable. It is then removed by the next pruning. */
  damaged: boolean;
}

/** Limits for what stays in the store. Without any, only damaged chunks are removed. */
export interface PruneLimits {
  /** Removes chunks that have not been used for longer than this, in milliseconds. */
  maxAgeMs?: number;
  /** Removes the least recently used chunks until the rest fits, in bytes. */
  maxBytes?: number;
}

/**
 * The chunks kept by renders with `keepChunks`, to list and prune them. Any number of renders may use the store
 * meanwhile.
 */
export class ChunkStore {
  /** Absolute path of the folder. Each chunk is a folder in it: `chunks/<key>/<content>/`. */
  readonly directory: string;

  /**
   * Touches no file. `directory` defaults to that of the option `cacheDirectory`. Throws the system's error if the user
   * has no such folder.
   */
  constructor(directory = cacheDirectory()) {
    this.directory = resolve(directory);
  }

  get #chunks(): string {
    return join(this.directory, 'chunks');
  }

  /** Every chunk in the store, most recently used first. Rejects if the store cannot be read. */
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
   * Removes damaged chunks and those that exceed the limits. Resolves with the removed chunks. If some cannot be
   * removed, removes the others and then rejects with the first error.
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

  /** Removes empty folders, and staged entries that were abandoned, as when the machine went down. */
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

/** Undefined if it has meanwhile been removed. */
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

/** Whether every part exists. Its content is checked when it is used. */
async function areThere(entry: string, { parts }: ChunkRecord): Promise<boolean> {
  try {
    for (const name of Object.keys(parts)) await requireFile(join(entry, name));
    return true;
  } catch (error) {
    return !saysDamaged(error);
  }
}
