import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeamPicture, SeamSide } from '../events.js';
import type { FileHash } from './FileHashes.js';
import { requireFile, saysDamaged, syncToDisk } from './files.js';

const RECORD = 'chunk.json';

/** The names that keys and entries have: whatever else is in the folder is not ours. */
export const ENTRY = /^[0-9a-f]{32}$/;

/** What is written beside a kept chunk. */
export interface ChunkRecord {
  /** For people: the page and the frames. */
  url: string;
  startFrame: number;
  frameCount: number;
  /** The files of the composition, by content. */
  files: FileHash[];
  /** The files of the chunk, by name, each with its SHA-256. */
  parts: Record<string, string>;
  seams: Partial<Record<SeamSide, SeamPicture>>;
}

/** Writes the record of an entry, with a hash of its own by which it is known again, down to the disk. */
export async function writeRecord(entry: string, record: ChunkRecord): Promise<void> {
  const path = join(entry, RECORD);
  await writeFile(path, JSON.stringify({ ...record, sha256: sealOf(record) }), { mode: 0o600 });
  await syncToDisk(path);
}

/**
 * The record of an entry as it was written; `damaged` when it is not that any more, or never was. Rejects
 * where it cannot be read now.
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
    return sha256 === sealOf(record) ? record : 'damaged';
  } catch {
    return 'damaged';
  }
}

function sealOf(record: ChunkRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
