import { setTimeout } from 'node:timers/promises';
import { shortUrl } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageTargets } from './PageTargets.js';

/**
 * Waits for an answer of the page. What that waits for is asked half-way, so that a StallError can name it: a page in
 * a script that does not end cannot say.
 */
export async function waitForPage<T>(
  answer: Promise<T>,
  deadlineMs: number,
  { scope, targets, network }: { scope: JobScope; targets: PageTargets; network: NetworkWatch },
): Promise<T> {
  let names: string[] | undefined;
  const answered = new AbortController();
  const ask = async () => {
    await setTimeout(deadlineMs / 2, undefined, { signal: answered.signal, ref: false });
    names = (await targets.evaluateAll<string[]>('waitsFor()')).flat();
  };
  void ask().catch(() => {});
  const what = () => {
    const known = names ?? ['a script that does not end'];
    const all = [...new Set([...known, ...network.underWay.map(shortUrl)])];
    return `the page to be ready${all.length > 0 ? ` (still under way: ${all.join(', ')})` : ''}`;
  };
  try {
    return await scope.wait(answer, deadlineMs, what);
  } finally {
    answered.abort();
  }
}
