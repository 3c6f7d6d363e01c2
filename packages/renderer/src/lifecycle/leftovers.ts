import { currentRecord } from './host/HostRecord.js';

/** The pause before a removal is retried, in milliseconds. It doubles each time, up to the last. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 60_000;

/** Tries to remove something. True if it is gone. Never rejects. */
type Removal = () => Promise<boolean>;

/** Removals to retry, each with the host directory whose record lists the leftover, if any. */
const pending = new Map<Removal, string | undefined>();
let timer: NodeJS.Timeout | undefined;
let pause = FIRST_PAUSE_MS;

/**
 * Retries a removal for as long as this process lives, without keeping it alive: after a pause, and whenever a render
 * begins. The caller has already reported the leftover.
 */
export function retryRemoval(removal: Removal): void {
  pending.set(removal, currentRecord()?.directory);
  pause = FIRST_PAUSE_MS;
  schedule();
}

/** Whether any removal is still to be retried. */
export function hasLeftovers(): boolean {
  return pending.size > 0;
}

/** Whether the record in this host directory lists a leftover. */
export function hasLeftoversIn(directory: string): boolean {
  return [...pending.values()].includes(directory);
}

/** Retries all removals once. Never rejects. */
export async function removeLeftovers(): Promise<void> {
  for (const removal of pending.keys()) if (await removal()) pending.delete(removal);
}

function schedule(): void {
  clearTimeout(timer);
  timer = undefined;
  if (pending.size === 0) return;
  timer = setTimeout(() => void removeLeftovers().then(schedule), pause).unref();
  pause = Math.min(2 * pause, LAST_PAUSE_MS);
}
