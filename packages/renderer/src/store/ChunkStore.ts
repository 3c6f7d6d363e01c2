import { lstat, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withoutPassword } from '../redact.js';
import { cacheDirectory } from './cacheDirectory.js';
import { ENTRY, readRecord, type ChunkRecord } from './chunkRecord.js';
import { namesIn, requireFile, saysDamaged } from './files.js';

/** The names of entries that are being written, and how old one is that nobody writes any more, in milliseconds. */
const STAGED = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STAGED_MS = 24 * 3600 * 1000;

/** A chunk in the store, as `list` tells it. */
export interface KeptChunk {
  /** Empty, and no frames, where the record of the chunk cannot be read. */
  url: string;
  /** First frame, from 0. */
  startFrame: number;
  /** Its length in frames. */
  frameCount: number;
  /** Absolute path of its folder. */
  path: string;
  /** Size of its files together. */
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
 * The chunks that renders with `keepChunks` have kept, for whoever looks after them. Any number of renders may use the
 * store meanwhile.
 */
export class ChunkStore {
  /** Absolute path of the folder. Each chunk is a folder in it: `chunks/<key>/<content>/`. */
  readonly directory: string;

  /**
   * Touches nothing. `directory` is by default that of the option `cacheDirectory`; throws the system's error where
   * the user has none.
   */
  constructor(directory = cacheDirectory()) {
    this.directory = resolve(directory);
  }

  get #chunks(): string {
    return join(this.directory, 'chunks');
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
