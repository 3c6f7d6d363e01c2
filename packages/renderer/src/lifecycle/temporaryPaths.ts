import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { currentRecord } from './host/HostRecord.js';
import { retryRemoval } from './leftovers.js';

/** Files and folders of renders that are running now. */
const live = new Set<string>();

/** How often, and how many milliseconds apart, a removal is tried: killed processes may still be writing. */
const ATTEMPTS = 6;
const RETRY_MS = 20;

/** Takes note of a path that is to be removed at the end, by somebody else if this process is killed. */
export function registerTemporary(path: string): void {
  live.add(path);
  currentRecord()?.add({ path });
}

/** The path is temporary no more: it is committed. */
export function unregisterTemporary(path: string): void {
  live.delete(path);
  currentRecord()?.add({ gone: path });
}

/**
 * Removes a temporary file or folder. Never throws: `onLeftover` is told what cannot be removed now. That stays
 * temporary, and is tried again.
 */
export async function removeTemporary(path: string, onLeftover: (path: string) => void): Promise<void> {
  if (await remove(path)) {
    unregisterTemporary(path);
    return;
  }
  onLeftover(path);
  retryRemoval(async () => {
    if (!removeNow(path)) return false;
    unregisterTemporary(path);
    return true;
  });
}

/**
 * Removes a file or folder, for at most some 100 ms. Never throws; false when it is still there.
 * Synchronously, since a stop waits for it, and each turn of the event loop costs more. Node's own
 * retries are not used: they multiply with each level of folders.
 */
export async function remove(path: string): Promise<boolean> {
  for (let attempt = 1; !removeNow(path); attempt++) {
    if (attempt === ATTEMPTS) return false;
    await setTimeout(RETRY_MS);
  }
  return true;
}

function removeNow(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch (error) {
    // Below a file there is nothing.
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

/** Removes every temporary path now, for a process that is about to end without waiting for anything. */
export function removeAllTemporary(): void {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    for (const path of live) if (removeNow(path)) live.delete(path);
    if (live.size === 0) return;
    // Blocks: nothing else is to happen any more.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
}
