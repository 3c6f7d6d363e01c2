import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Error codes for a file that does not exist, is not a file, or cannot be read from its disk. */
const DAMAGE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EIO', 'EUCLEAN', 'EBADMSG'];

/** Something other than a regular file was to be read. */
export class NoFileError extends Error {
  override readonly name = 'NoFileError';
}

/**
 * Whether an error means that a file is damaged. A file that another user may be able to read, or that can be read
 * later, is not damaged: no permission, too many open files.
 */
export function saysDamaged(error: unknown): boolean {
  return error instanceof NoFileError || DAMAGE.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Rejects unless the path is a regular file. Reading a pipe or a device might never end. */
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

/** Copies a file. Resolves with the SHA-256 of its content. */
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

/** Flushes a file or folder to disk, so that it is complete even after a power failure that follows its rename. */
export async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes a folder if possible. Windows and some network file systems cannot. */
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
