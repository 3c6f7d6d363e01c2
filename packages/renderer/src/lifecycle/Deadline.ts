/** How often somebody who waits looks at the clock, in milliseconds. */
const LOOK_MS = 500;
/**
 * A look that comes so many milliseconds too late was held up: this process was stopped (Ctrl-Z, `docker pause`), or
 * the machine slept. A busy machine is late by some tens of milliseconds, seldom by hundreds.
 */
const HELD_UP_MS = 750;
/** More often than this it is no accident: something in this process holds it up again and again. */
const MAX_HELD_UP = 20;

/**
 * How long somebody waits. The time in which this process was held up says nothing about who is waited for: the
 * wait then begins again.
 */
export class Deadline {
  #begun = performance.now();
  /** When it is looked at again, at the latest. */
  #due = Infinity;
  #heldUp = 0;

  /** `ms` is how long it lasts. */
  constructor(readonly ms: number) {}

  /** Whether it is at its end. To be asked at least each half a second. */
  get isOver(): boolean {
    return this.leftMs <= 0;
  }

  /** What is left of it, in milliseconds. */
  get leftMs(): number {
    const now = performance.now();
    if (now - this.#due > HELD_UP_MS && this.#heldUp++ < MAX_HELD_UP) this.#begun = now;
    const left = this.#begun + this.ms - now;
    this.#due = now + Math.min(left, LOOK_MS);
    return left;
  }
}

/** Calls `onEnd` once a deadline of so many milliseconds is at its end. Returns the function that prevents it. */
export function afterDeadline(ms: number, onEnd: () => void): () => void {
  const deadline = new Deadline(ms);
  let timer: NodeJS.Timeout;
  const look = () => {
    const left = deadline.leftMs;
    if (left > 0) timer = setTimeout(look, Math.min(Math.ceil(left), LOOK_MS));
    else onEnd();
  };
  look();
  return () => clearTimeout(timer);
}
