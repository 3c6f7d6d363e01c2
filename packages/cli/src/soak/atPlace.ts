import type { RenderHooks } from '@genlock/renderer';
import type { Place } from './plan.js';

/** Hooks that call `act` once, when the render comes to a place. What `act` returns is waited for there. */
export function atPlace({ phase, worker, step }: Place, act: () => Promise<void> | void): RenderHooks {
  let calls = 0;
  return {
    at(position) {
      if (position.phase !== phase || position.worker !== worker) return undefined;
      return calls++ === step ? act() : undefined;
    },
  };
}
