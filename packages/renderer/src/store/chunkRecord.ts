import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeamPicture, SeamSide } from '../events.js';
import type { FileHash } from './FileHashes.js';
import { requireFile, saysDamaged, syncToDisk } from './files.js';

const RECORD = 'chunk.json';

/** The form of the names of keys and entries. Anything else in the folder is not ours. */
export const ENTRY = /^[0-9a-f]{32}$/;

/** The record that is written next to the files of a kept chunk. */
export interface ChunkRecord {
  /** For people: the page and the frames. */
  url: string;
  startFrame: number;
  frameCount: number;
  /** The files of the composition, with hashes of their content. */
  files: FileHash[];
  /** SHA-256 of each of the chunk's files, by name. */
  parts: Record<string, string>;
  seams: Partial<Record<SeamSide, SeamPicture>>;
}

/** Writes the record of an entry, with a checksum, and flushes it to disk. */
export async function writeRecord(entry: string, record: ChunkRecord): Promise<void> {
  const path = join(entry, RECORD);
  await writeFile(path, JSON.stringify({ ...record, sha256: checksumOf(record) }), { mode: 0o600 });
  await syncToDisk(path);
}

/**
 * Reads the record of an entry. `damaged` if it is missing, invalid, or does not match its checksum. Rejects if it
 * cannot be read now.
 */
export async function readRecord(entry: string): Promise<ChunkRecord | 'damaged'> {
  const path = join(entry, RECORD);
  let text: string;
  try {
    await requireFile(path);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (saysDamaged(error)) return 'damaged';
    throw error;
  }
  try {
    const { sha256, ...record } = JSON.parse(text) as ChunkRecord & { sha256: unknown };
    return sha256 === checksumOf(record) ? record : 'damaged';
  } catch {
    return 'damaged';
  }
}

function checksumOf(record: ChunkRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
