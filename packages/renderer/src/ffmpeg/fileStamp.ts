import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

/**
 * What a file was when it was looked into: it is another one, or was written to, when one of these differs. Texts of
 * digits, as JSON has no numbers of this size.
 */
export interface FileStamp {
  /** Its number in the file system. */
  inode: string;
  /** Its size. */
  bytes: string;
  /** Nanoseconds since 1970. */
  modified: string;
}

/** Undefined where there is no such file: who looks into it says so. */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { inode: `${ino}`, bytes: `${size}`, modified: `${mtimeNs}` };
  } catch {
    return undefined;
  }
}

/** Whether a file is still what it was, so that what was found then holds now. */
export async function isUnchanged(path: string, stamp: FileStamp): Promise<boolean> {
  return isDeepStrictEqual(await stampOf(path), stamp);
}
