import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp } from './cleanUp.js';
import { readRecord } from './HostRecord.js';
import { isGone } from './owner.js';

/**
 * Removes what dead hosts have left in a folder if their guardians could not. A host directory is
 * recognized by the ownership record inside it, never by its name. After an abort, the rest is left to the next start.
 */
export async function sweep(folder: string, signal?: AbortSignal): Promise<void> {
  const abandoned = subfolders(folder).filter((path) => {
    const owner = readRecord(path)?.owner;
    return owner !== undefined && isGone(owner);
  });
  await Promise.all(abandoned.map((path) => cleanUp(path, signal)));
}

function subfolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}
