import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SeamSide } from '../events.js';
import { abortable } from '../lifecycle/abort.js';
import { keepTemporary, registerTemporary, removeTemporary } from '../lifecycle/temporaryPaths.js';
import { withoutPassword } from '../redact.js';
import type { SeamPicture } from '../SeamAudit.js';
import { cacheDirectory } from './cacheDirectory.js';
import type { FileHash } from './FileHashes.js';

const RECORD = 'chunk.json';
/** Pages and their addresses may be nobody else's business. */
const PRIVATE = { recursive: true, mode: 0o700 };

/** What is written beside a kept chunk. */
export interface ChunkRecord {
  /** For people: the page, without the password of its address, and the frames. */
  url: string;
  startFrame: number;
  frameCount: number;
  /** The files of the composition, by content. */
  files: FileHash[];
  /** The files of the chunk, by name, each with its SHA-256. */
  parts: Record<string, string>;
  seams: Partial<Record<SeamSide, SeamPicture>>;
}

/** A chunk in the store, as `list` tells it. */
export interface KeptChunk extends Pick<ChunkRecord, 'url' | 'startFrame' | 'frameCount'> {
  path: string;
  bytes: number;
  /** When it was made or last used. */
  usedAt: Date;
}

/** What may stay in the store. Without a limit of its kind everything does. */
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
    this.#chunks = join(directory, 'chunks');
  }

  /**
   * Copies the parts of a kept chunk to their places, when there is one of this key whose composition
   * `matches`. A chunk whose bytes are not what they were is removed from the store.
   */
  async reuse(
    key: string,
    matches: (files: readonly FileHash[]) => Promise<boolean>,
    places: Readonly<Record<string, string>>,
  ): Promise<ChunkRecord | undefined> {
    for (const name of await list(join(this.#chunks, key))) {
      const entry = join(this.#chunks, key, name);
      const record = await readRecord(entry);
      if (!record || !(await matches(record.files))) continue;
      if (await copyParts(entry, record, places)) {
        const now = new Date();
        await utimes(entry, now, now);
        return record;
      }
      await rm(entry, { recursive: true, force: true });
    }
    return undefined;
  }

  /**
   * Keeps a chunk: copies its parts, given by name, and puts them in place at once. Rejects with `signal.reason`
   * itself as soon as the signal aborts, and leaves nothing then.
   */
  async keep(
    key: string,
    record: Omit<ChunkRecord, 'parts'>,
    parts: Record<string, string>,
    onLeftover: (path: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const content = createHash('sha256').update(JSON.stringify(record.files)).digest('hex').slice(0, 32);
    const entry = join(this.#chunks, key, content);
    if (await abortable(readRecord(entry), signal)) return;
    const staged = join(this.#chunks, `.${randomUUID()}`);
    registerTemporary(staged);
    try {
      await mkdir(staged, PRIVATE);
      const hashes: Record<string, string> = {};
      for (const [name, path] of Object.entries(parts)) {
        await abortable(copyFile(path, join(staged, name), constants.COPYFILE_FICLONE), signal);
        hashes[name] = await hashOf(join(staged, name), signal);
      }
      await writeFile(join(staged, RECORD), JSON.stringify({ ...record, parts: hashes }), { mode: 0o600 });
      await mkdir(join(this.#chunks, key), PRIVATE);
      // Another render may have kept the same chunk meanwhile: then its entry stays.
      if (await renamed(staged, entry)) keepTemporary(staged);
      else await removeTemporary(staged, onLeftover);
    } catch (error) {
      await removeTemporary(staged, onLeftover);
      throw error;
    }
  }

  /** Every chunk in the store, the most recently used first. */
  async list(): Promise<KeptChunk[]> {
    const kept: KeptChunk[] = [];
    for (const key of await list(this.#chunks)) {
      for (const name of await list(join(this.#chunks, key))) {
        const path = join(this.#chunks, key, name);
        const record = await readRecord(path);
        if (!record) continue;
        const { url, startFrame, frameCount } = record;
        const sizes = (await list(path)).map(async (file) => (await stat(join(path, file))).size);
        const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
        kept.push({ url: withoutPassword(url), startFrame, frameCount, path, bytes, usedAt: (await stat(path)).mtime });
      }
    }
    return kept.sort((one, other) => other.usedAt.getTime() - one.usedAt.getTime());
  }

  /** Removes what the limits do not allow. Returns what was removed. */
  async prune({ maxAgeMs = Infinity, maxBytes = Infinity }: PruneLimits): Promise<KeptChunk[]> {
    const removed: KeptChunk[] = [];
    let bytes = 0;
    for (const chunk of await this.list()) {
      if (Date.now() - chunk.usedAt.getTime() <= maxAgeMs && bytes + chunk.bytes <= maxBytes) {
        bytes += chunk.bytes;
        continue;
      }
      await rm(chunk.path, { recursive: true, force: true });
      removed.push(chunk);
    }
    return removed;
  }
}

/** False when the destination is there already. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** False when a part is missing or is not what it was. */
async function copyParts(
  entry: string,
  { parts }: ChunkRecord,
  places: Readonly<Record<string, string>>,
): Promise<boolean> {
  for (const [name, target] of Object.entries(places)) {
    try {
      await copyFile(join(entry, name), target, constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    if ((await hashOf(target)) !== parts[name]) return false;
  }
  return true;
}

async function readRecord(entry: string): Promise<ChunkRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(entry, RECORD), 'utf8')) as ChunkRecord;
  } catch {
    // Not there, or from a disk that lost it: as good as not kept.
    return undefined;
  }
}

async function hashOf(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const reading = pipeline(createReadStream(path), hash, { signal });
  await (signal ? abortable(reading, signal) : reading);
  return hash.digest('hex');
}

/** The names in a folder; none when it is not there. */
async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
