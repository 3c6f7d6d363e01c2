import type { RenderPhase, RenderPosition } from '../errors.js';
import { abortable } from './abort.js';

/** The seam through which tests put faults into a render at an exact place. */
export interface RenderHooks {
  /**
   * Called before a step: once for a phase, before each frame in `seek`, `capture` and `encode`. The
   * render goes on when the promise resolves, fails with the very error that it rejects with, and
   * does not wait for it after an abort. `position` has the phase, and the worker and frame if any.
   */
  at(position: RenderPosition & { phase: RenderPhase }): Promise<void> | void;
}

/**
 * Lets a test hold or fail a render before a step. Rejects with `signal.reason` itself on abort, and
 * does not take the step after one; `onFailure` is told what the hook rejects with, also later.
 */
export async function atHook(
  hooks: RenderHooks,
  position: RenderPosition & { phase: RenderPhase },
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  signal.throwIfAborted();
  const held = Promise.resolve(hooks.at(position));
  void held.catch(onFailure);
  await abortable(held, signal);
}
