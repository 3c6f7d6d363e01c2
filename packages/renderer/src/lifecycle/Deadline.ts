/** How often a waiting deadline checks the clock, in milliseconds. */
const CHECK_MS = 500;
/**
 * A check that comes this many milliseconds late means that this process was suspended (Ctrl-Z, `docker pause`) or the
 * machine slept. On a busy machine, checks are late by some tens of milliseconds, seldom by hundreds.
 */
const SUSPENDED_MS = 750;
/** How often a deadline may start over. More suspensions are no accident: something in this process blocks it. */
const MAX_RESTARTS = 20;

/**
 * A limit to waiting that starts over if this process was suspended meanwhile, because a wait that was suspended says
 * nothing about whatever is waited for.
 */
export class Deadline {
  #startedAt = performance.now();
  /** When the next check is due. */
  #nextCheck = Infinity;
  #restarts = 0;

  /** `ms` is its length in milliseconds. */
  constructor(readonly ms: number) {}

  /** Whether it has passed. Must be read at least every half second. */
  get isOver(): boolean {
    return this.leftMs <= 0;
  }

  /** The time left, in milliseconds. Must be read at least every half second. */
  get leftMs(): number {
    const now = performance.now();
    if (now - this.#nextCheck > SUSPENDED_MS && this.#restarts++ < MAX_RESTARTS) this.#startedAt = now;
    const left = this.#startedAt + this.ms - now;
    this.#nextCheck = now + Math.min(left, CHECK_MS);
    return left;
  }
}

/** Calls `onEnd` when a deadline of `ms` milliseconds has passed. Returns a function that cancels it. */
export function afterDeadline(ms: number, onEnd: () => void): () => void {
  const deadline = new Deadline(ms);
  let timer: NodeJS.Timeout;
  const check = () => {
    const left = deadline.leftMs;
    if (left > 0) timer = setTimeout(check, Math.min(Math.ceil(left), CHECK_MS));
    else onEnd();
  };
  check();
  return () => clearTimeout(timer);
}
