import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The resources that this Node process holds. */
export interface HostState {
  /** Number of open file descriptors; undefined if the system does not say. */
  descriptors: number | undefined;
  /** Listeners on `process`: `SIGINT 1`. */
  listeners: string[];
  /** Timers, sockets, pipes and the like that keep the event loop alive: `Timeout`. */
  resources: string[];
}

/** Reads what this Node process holds, after it has released the handles of what has just ended. */
export async function readHost(): Promise<HostState> {
  // Node releases the handle of a process at the end of the turn in which it ended.
  await setImmediate();
  await setImmediate();
  return {
    descriptors: countDescriptors(),
    listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
    resources: process.getActiveResourcesInfo(),
  };
}

/** The differences between `before` and `after`, one sentence each. */
export function hostDifferences(before: HostState, after: HostState): string[] {
  const differences: string[] = [];
  if (before.descriptors !== after.descriptors) {
    differences.push(`${after.descriptors} file descriptors instead of ${before.descriptors}`);
  }
  for (const what of ['listeners', 'resources'] as const) {
    const [was, is] = [before[what], after[what]].map((list) => list.toSorted().join(', ') || 'none');
    if (was !== is) differences.push(`${what} ${is} instead of ${was}`);
  }
  return differences;
}

let collect: (() => void) | undefined;

/** Collects all garbage now, even if Node was started without `--expose-gc`. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

function countDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
