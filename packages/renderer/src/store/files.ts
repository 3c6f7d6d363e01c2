import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** What the system says of a file that is not there, not a file, or on a disk that has lost it. */
const DAMAGE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EIO', 'EUCLEAN', 'EBADMSG'];

/** There is no file of the kind that was to be read. */
export class NoFileError extends Error {
  override readonly name = 'NoFileError';
}

/**
 * Whether an error says that what was read is spoilt. One that may be read by somebody else, or later, is
 * not: no permission, too many open files.
 */
export function saysDamaged(error: unknown): boolean {
  return error instanceof NoFileError || DAMAGE.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Rejects where there is no regular file: a pipe or a device could be read for ever. */
export async function requireFile(path: string): Promise<void> {
  if (!(await stat(path)).isFile()) throw new NoFileError(`${path} is not a file`);
}

/** SHA-256 of a file. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  await requireFile(path);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}

/** Copies a file; resolves with the SHA-256 of what was read. */
export async function copyHashed(from: string, to: string, signal?: AbortSignal): Promise<string> {
  await requireFile(from);
  const hash = createHash('sha256');
  const seen = async function* (source: AsyncIterable<Buffer>) {
    for await (const data of source) {
      hash.update(data);
      yield data;
    }
  };
  await pipeline(createReadStream(from), seen, createWriteStream(to), { signal });
  return hash.digest('hex');
}

/** Has the disk take a file or a folder: what is renamed after that is whole, also after a power failure. */
export async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The same where it can be had: Windows and some network file systems do not flush a folder. */
export async function syncFolder(path: string): Promise<void> {
  await syncToDisk(path).catch(() => {});
}

/** The names in a folder that look like this; none where there is no such folder, or for one more reason. */
export async function namesIn(folder: string, pattern: RegExp, reason?: 'ENOTDIR'): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => pattern.test(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === reason) return [];
    throw error;
  }
}
