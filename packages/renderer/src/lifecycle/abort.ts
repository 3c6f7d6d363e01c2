import { attempt } from '../unknowns.js';
import { afterDeadline } from './Deadline.js';

/**
 * Links a parent signal to a controller: when the parent aborts, the controller aborts in the same
 * tick with the same reason, at once if the parent is already aborted. Returns a function that
 * unlinks them. (`AbortSignal.any` would leave an entry on a long-lived parent forever.)
 */
export function linkAbort(parent: AbortSignal | undefined, controller: AbortController): () => void {
  if (!parent) return () => {};
  if (parent.aborted) {
    controller.abort(parent.reason);
    return () => {};
  }
  const forward = () => controller.abort(parent.reason);
  parent.addEventListener('abort', forward, { once: true });
  return () => parent.removeEventListener('abort', forward);
}

/**
 * Settles as the promise does, or rejects with `signal.reason` itself as soon as the signal aborts.
 * After that, the promise's outcome is ignored.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    void promise.then(resolve, reject).then(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Settles as the promise does, or rejects with the error made by `late` after `ms` milliseconds. The time starts over
 * if this process was suspended (see Deadline).
 */
export async function withDeadline<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let end = (): void => {};
  const deadline = new Promise<never>((_, reject) => {
    end = afterDeadline(ms, () => reject(late()));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    end();
  }
}

/**
 * Runs `work` with a signal that aborts after `ms` milliseconds or with the caller's signal. Rejects with the error
 * made by `late`, with `signal.reason` itself, or with the work's own error.
 */
export async function underDeadline<T>(
  signal: AbortSignal | undefined,
  ms: number,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const unlink = linkAbort(signal, controller);
  const end = afterDeadline(ms, () => controller.abort(late()));
  try {
    return await work(controller.signal);
  } catch (error) {
    // After an abort, its reason is the cause, whatever error it led to.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    end();
    unlink();
  }
}

/** Whether an error is not a failure of its own but merely passes on the abort with this reason. */
export function isEcho(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  const passesOn = attempt(() => {
    if (!(error instanceof Error)) return false;
    return error.name === 'AbortError' || (error.cause !== undefined && error.cause === reason);
  });
  return passesOn ?? false;
}

/** A promise that never settles, for work whose failure is about to be reported elsewhere. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
