import type { Outcome } from '../page/index.js';

/** Combines the outcomes of all documents of a page into what is left to do. */
export function joinOutcomes(outcomes: readonly Outcome[]): Outcome {
  return {
    again: outcomes.some(({ again }) => again),
    awaits: outcomes.some(({ awaits }) => awaits),
    holdsBack: outcomes.some(({ holdsBack }) => holdsBack),
    holdsFrames: outcomes.some(({ holdsFrames }) => holdsFrames),
    observes: outcomes.some(({ observes }) => observes),
    skipsLayout: outcomes.some(({ skipsLayout }) => skipsLayout),
    photographs: outcomes.some(({ photographs }) => photographs),
    hidesRoots: outcomes.some(({ hidesRoots }) => hidesRoots),
    observed: outcomes.reduce((sum, { observed }) => sum + observed, 0),
  };
}
