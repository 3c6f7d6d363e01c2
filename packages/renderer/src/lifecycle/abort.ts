import { attempt } from '../unknowns.js';
import { afterDeadline } from './Deadline.js';

/**
 * Links a parent signal to a controller: when the parent aborts, the controller aborts in the same
 * tick with the same reason, also when the parent is aborted already. Returns the function that
 * unlinks them. (`AbortSignal.any` keeps an entry on a long-lived parent for ever; this does not.)
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
 * What the promise does after that is ignored.
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
 * Settles as the promise does, or rejects with the error made by `late` after `ms` milliseconds: after as many
 * again when this process was held up meanwhile (see Deadline).
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
 * Runs `work` under a signal of its own, which a deadline of so many milliseconds and the caller's signal both
 * abort. Rejects with the error made by `late`, with `signal.reason` itself, or as the work does.
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
    // Whatever the abort has broken on its way, its reason is what happened.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    end();
    unlink();
  }
}

/** Whether an error is no failure of its own but only passes on the abort that this was the reason of. */
export function isEcho(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  const passesOn = attempt(() => {
    if (!(error instanceof Error)) return false;
    return error.name === 'AbortError' || (error.cause !== undefined && error.cause === reason);
  });
  return passesOn ?? false;
}

/** A promise that never settles, for work whose failure somebody else is about to report. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
