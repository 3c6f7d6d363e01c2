import { setTimeout } from 'node:timers/promises';
import { shortUrl } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageTargets } from './PageTargets.js';

interface Asked {
  scope: JobScope;
  targets: PageTargets;
  network: NetworkWatch;
  /** Words a StallError: with what is still under way, and whether the page could tell. */
  say: (underWay: readonly string[], told: boolean) => string;
}

/**
 * Waits for an answer of the page. What that waits for is asked half-way, so that a StallError can name it: a page in
 * a script that does not end cannot say.
 */
export async function waitForPage<T>(
  answer: Promise<T>,
  deadlineMs: number,
  { scope, targets, network, say }: Asked,
): Promise<T> {
  let names: string[] | undefined;
  const answered = new AbortController();
  const ask = async () => {
    await setTimeout(deadlineMs / 2, undefined, { signal: answered.signal, ref: false });
    names = (await targets.evaluateAll<string[]>('pendingNames()')).flat();
  };
  void ask().catch(() => {});
  const what = () => say([...new Set([...(names ?? []), ...network.underWay.map(shortUrl)])], names !== undefined);
  try {
    return await scope.wait(answer, deadlineMs, what);
  } finally {
    answered.abort();
  }
}
