import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RenderJobOptions } from '../types.js';

/** What a file was when it was looked into: it is another one, or was written to, when one of these differs. */
export interface FileStamp {
  inode: bigint;
  bytes: bigint;
  modified: bigint;
}

/** The files that jobs have verified, by the very options that they were given. */
const verified = new WeakMap<RenderJobOptions, FileStamp>();

/** Undefined where there is no such file: who verifies it says so. */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { inode: ino, bytes: size, modified: mtimeNs };
  } catch {
    return undefined;
  }
}

/** Notes that the output of this job was verified when it was this file. */
export function noteVerified(job: RenderJobOptions, stamp: FileStamp | undefined): void {
  if (stamp) verified.set(job, stamp);
}

/** What the output of this job was when it was verified; undefined where nobody has. */
export function verifiedStamp(job: RenderJobOptions): FileStamp | undefined {
  return verified.get(job);
}

/** Whether a file is still what it was, so that what was found then holds now. */
export async function isUnchanged(path: string, stamp: FileStamp): Promise<boolean> {
  return isDeepStrictEqual(await stampOf(path), stamp);
}
