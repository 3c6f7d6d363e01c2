import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

/**
 * Identifies the state of a file: if one of these fields differs, it is another file, or it was written to. The numbers
 * are strings of digits, since JSON cannot represent numbers of this size.
 */
export interface FileStamp {
  /** Its inode number. */
  inode: string;
  /** Its size in bytes. */
  bytes: string;
  /** Nanoseconds since 1970. */
  modified: string;
}

/** The stamp of a file. Undefined if there is no such file: reading it will report that. */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { inode: `${ino}`, bytes: `${size}`, modified: `${mtimeNs}` };
  } catch {
    return undefined;
  }
}

/** Whether a file is unchanged since its stamp was taken, so that what was verified then still holds. */
export async function isUnchanged(path: string, stamp: FileStamp): Promise<boolean> {
  return isDeepStrictEqual(await stampOf(path), stamp);
}
