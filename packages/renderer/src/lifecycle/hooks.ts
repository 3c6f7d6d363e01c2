import type { RenderPhase, RenderPosition } from '../errors.js';
import { abortable } from './abort.js';

/** Hooks with which tests inject faults into a render at an exact place. */
export interface RenderHooks {
  /**
   * Called before each step: once per phase, and before each frame in `seek`, `capture` and `encode`. The
   * render continues when the promise resolves, fails with the very error that it rejects with, and
   * stops waiting for it on abort. `position` has the phase, and the worker and frame if any.
   */
  at(position: RenderPosition & { phase: RenderPhase }): Promise<void> | void;
}

/**
 * Lets a test pause or fail a render before a step. Rejects with `signal.reason` itself on abort. `onFailure` receives
 * the error with which the hook rejects, even after an abort.
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
