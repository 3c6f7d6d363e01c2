import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { currentRecord } from './host/HostRecord.js';
import { retryRemoval } from './leftovers.js';

/** Temporary files and folders of the renders that are running now. */
const live = new Set<string>();

/** How often, and at which interval in milliseconds, a removal is tried: killed processes may still be writing. */
const ATTEMPTS = 6;
const RETRY_MS = 20;

/** Registers a path to be removed at the end, or by the guardian if this process is killed. */
export function registerTemporary(path: string): void {
  live.add(path);
  currentRecord()?.add({ path });
}

/** Unregisters a path that is committed or removed. */
export function unregisterTemporary(path: string): void {
  live.delete(path);
  currentRecord()?.add({ gone: path });
}

/**
 * Removes a temporary file or folder. Never throws: `onLeftover` receives a path that cannot be removed now. It stays
 * registered, and its removal is retried.
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
 * Removes a file or folder, trying for about 100 ms at most. Never throws. False if it still exists. The removal is
 * synchronous, because a stop waits for it and each turn of the event loop would cost more. Node's own
 * retries are not used because they multiply with each level of folders.
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
    // A parent is a file, so nothing can exist here.
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

/** Removes every temporary path now, for a process that is about to exit without waiting. */
export function removeAllTemporary(): void {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    for (const path of live) if (removeNow(path)) live.delete(path);
    if (live.size === 0) return;
    // Blocks the process, in which nothing else is to happen any more.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
}
