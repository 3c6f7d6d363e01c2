import type { RenderHooks } from '@genlock/renderer';
import type { Place } from './plan.js';

/** Hooks that call `act` once, when the render reaches a place. The render waits there for what `act` returns. */
export function atPlace({ phase, worker, step }: Place, act: () => Promise<void> | void): RenderHooks {
  let calls = 0;
  return {
    at(position) {
      if (position.phase !== phase || position.worker !== worker) return undefined;
      return calls++ === step ? act() : undefined;
    },
  };
}
