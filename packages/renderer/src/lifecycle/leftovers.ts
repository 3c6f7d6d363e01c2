import { currentRecord } from './host/HostRecord.js';

/** The first pause before a removal is tried again, in milliseconds; each one is twice as long, up to the last. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 60_000;

/** True when what it removes is gone. Never rejects. */
type Removal = () => Promise<boolean>;

/** Each with the host directory whose record names what it removes, if one does. */
const pending = new Map<Removal, string | undefined>();
let timer: NodeJS.Timeout | undefined;
let pause = FIRST_PAUSE_MS;

/**
 * What could not be removed is tried again for as long as this process lives, which it does not keep alive: after a
 * while, and when a render begins. Whoever could not remove it has told of it.
 */
export function retryRemoval(removal: Removal): void {
  pending.set(removal, currentRecord()?.directory);
  pause = FIRST_PAUSE_MS;
  schedule();
}

/** Whether anything is left. */
export function hasLeftovers(): boolean {
  return pending.size > 0;
}

/** Whether something is left that the record in this host directory names. */
export function hasLeftoversIn(directory: string): boolean {
  return [...pending.values()].includes(directory);
}

/** Tries to remove all that is left, once. Never rejects. */
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
