import type { Outcome } from '../page/index.js';

/** Combines the outcomes of all documents of a page into what is left to do. */
export function joinOutcomes(outcomes: readonly Outcome[]): Outcome {
  return {
    settleAgain: outcomes.some(({ settleAgain }) => settleAgain),
    awaitsPromises: outcomes.some(({ awaitsPromises }) => awaitsPromises),
    hasPostponed: outcomes.some(({ hasPostponed }) => hasPostponed),
    hasLoadedFrames: outcomes.some(({ hasLoadedFrames }) => hasLoadedFrames),
    hasObservers: outcomes.some(({ hasObservers }) => hasObservers),
    skipsLayout: outcomes.some(({ skipsLayout }) => skipsLayout),
    needsSnapshots: outcomes.some(({ needsSnapshots }) => needsSnapshots),
    hidesRoots: outcomes.some(({ hidesRoots }) => hidesRoots),
    observerCalls: outcomes.reduce((sum, { observerCalls }) => sum + observerCalls, 0),
  };
}
