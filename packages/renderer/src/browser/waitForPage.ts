import { setTimeout } from 'node:timers/promises';
import { shortUrl } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageContexts } from './PageContexts.js';

interface WaitContext {
  scope: JobScope;
  contexts: PageContexts;
  network: NetworkWatch;
  /** Describes what a StallError waited for, from what is still under way. `hasAnswered`: the page could say that. */
  describe: (underWay: readonly string[], hasAnswered: boolean) => string;
}

/**
 * Waits for an answer of the page. Half-way to the deadline the page is asked what it is waiting for, so that a
 * StallError can name it. A page that is busy with an endless script cannot say.
 */
export async function waitForPage<T>(
  answer: Promise<T>,
  deadlineMs: number,
  { scope, contexts, network, describe }: WaitContext,
): Promise<T> {
  let names: string[] | undefined;
  const answered = new AbortController();
  const ask = async () => {
    await setTimeout(deadlineMs / 2, undefined, { signal: answered.signal, ref: false });
    names = (await contexts.evaluateAll<string[]>('pendingNames()')).flat();
  };
  void ask().catch(() => {});
  const waitingFor = () => {
    const underWay = new Set([...(names ?? []), ...network.underWay.map(shortUrl)]);
    return describe([...underWay], names !== undefined);
  };
  try {
    return await scope.wait(answer, deadlineMs, waitingFor);
  } finally {
    answered.abort();
  }
}
