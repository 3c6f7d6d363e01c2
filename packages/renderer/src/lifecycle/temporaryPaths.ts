import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { currentRecord } from './host/HostRecord.js';

/** Files and folders of renders that are running now. */
const live = new Set<string>();

/** Takes note of a path that is to be removed at the end, by somebody else if this process is killed. */
export function registerTemporary(path: string): void {
  live.add(path);
  currentRecord()?.add({ path });
}

/** The path is temporary no more: it is committed. */
export function keepTemporary(path: string): void {
  live.delete(path);
  currentRecord()?.add({ gone: path });
}

/** Removes a temporary file or folder. Never throws: what cannot be removed is told to `onLeftover`. */
export async function removeTemporary(path: string, onLeftover: (path: string) => void): Promise<void> {
  try {
    // At once where it can be: a stop waits for this, and each turn of the event loop costs more.
    rmSync(path, { recursive: true, force: true });
  } catch {
    await removeLater(path, onLeftover);
  }
  keepTemporary(path);
}

/** Processes that are being killed may still have written something. */
async function removeLater(path: string, onLeftover: (path: string) => void): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  } catch {
    onLeftover(path);
  }
}

/** Removes every temporary path now, for a process that is about to end without waiting for anything. */
export function removeAllTemporary(): void {
  for (const path of live) {
    try {
      // Killed processes may still be writing for some milliseconds.
      rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
    } catch {
      // Nobody is left to be told.
    }
  }
}
