import type { Control } from './control.js';

/** Timers, intervals, frame callbacks and idle callbacks run when the virtual clock says so. */
export function installTimers(control: Control): void {
  interface Timer {
    id: number;
    due: number;
    run: () => void;
    /** Undefined for a timer that runs once. */
    interval: number | undefined;
    /** How many timers deep this one was set: from the sixth on, 4 ms is the least (HTML, timers). */
    nesting: number;
  }
  const MAX_NESTING = 5;
  const MIN_NESTED_DELAY = 4;

  let lastId = 0;
  let nesting = 0;
  const timers = new Map<number, Timer>();

  function add(handler: unknown, delay: unknown, args: unknown[], repeats: boolean): number {
    const run =
      typeof handler === 'function'
        ? () => {
            (handler as (...values: unknown[]) => void).apply(globalThis, args);
          }
        : () => (0, eval)(String(handler)) as void;
    const wanted = Math.max(0, Number(delay) || 0);
    const level = nesting + 1;
    const wait = level > MAX_NESTING ? Math.max(wanted, MIN_NESTED_DELAY) : wanted;
    const id = ++lastId;
    timers.set(id, {
      id,
      run,
      due: control.now + wait,
      // An interval of 0 would never let the clock move on.
      interval: repeats ? Math.max(1, wanted) : undefined,
      nesting: level,
    });
    return id;
  }

  function earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers.values()) {
      if (!first || timer.due < first.due) first = timer;
    }
    return first;
  }

  function fire(timer: Timer): void {
    control.now = Math.max(control.now, timer.due);
    if (timer.interval === undefined) {
      timers.delete(timer.id);
    } else {
      timer.nesting += 1;
      const least = timer.nesting > MAX_NESTING ? MIN_NESTED_DELAY : 1;
      // Put back at the end, so that timers due at the same time run in the order they were set.
      timers.delete(timer.id);
      timer.due += Math.max(timer.interval, least);
      timers.set(timer.id, timer);
    }
    nesting = timer.nesting;
    try {
      timer.run();
    } finally {
      nesting = 0;
    }
  }

  control.addTimer = (run, delay) => add(run, delay, [], false);
  control.nextDue = () => Math.min(earliest()?.due ?? Infinity, control.nextWorkerDue());

  /** Runs the next timer that is due by then, after all that comes before it. Returns whether there was one. */
  async function runNext(until: number): Promise<boolean> {
    await control.exchange();
    if (control.nextWorkerDue() <= until && control.nextWorkerDue() <= (earliest()?.due ?? Infinity)) {
      control.now = Math.max(control.now, control.nextWorkerDue());
      await control.runWorkerTimers(control.now);
      return true;
    }
    let found = false;
    await control.inTask(() => {
      const timer = earliest();
      found = timer !== undefined && timer.due <= until;
      if (timer && found) fire(timer);
    });
    return found;
  }

  let turn: Promise<unknown> = Promise.resolve();

  control.runTimers = async (until) => {
    for (let any = false; ; any = true) {
      const due = control.nextDue();
      // What was begun at one time is done before the next: answers come without virtual time.
      while (due > control.now && control.pending.size > 0 && due <= until) {
        await Promise.race([Promise.allSettled(control.pending), control.realDelay(5)]);
      }
      // One at a time, whoever asks.
      const next = turn.then(() => runNext(until));
      turn = next.catch(() => {});
      if (!(await next)) return any;
    }
  };

  const set =
    (repeats: boolean) =>
    (handler: unknown, delay?: unknown, ...args: unknown[]) =>
      add(handler, delay, args, repeats);
  const clear = (id?: unknown) => void timers.delete(Number(id));

  let lastFrameId = 0;
  let frameCallbacks = new Map<number, FrameRequestCallback>();
  let running = new Map<number, FrameRequestCallback>();

  control.awaitsFrame = () => frameCallbacks.size > 0;
  control.runFrameCallbacks = async () => {
    // Callbacks that are asked for from now on belong to the next frame.
    running = frameCallbacks;
    frameCallbacks = new Map();
    for (const id of [...running.keys()]) {
      await control.inTask(() => running.get(id)?.(control.now - control.born));
    }
    running = new Map();
  };

  Object.assign(globalThis, {
    setTimeout: set(false),
    setInterval: set(true),
    clearTimeout: clear,
    clearInterval: clear,
    requestAnimationFrame: (callback: FrameRequestCallback) => {
      frameCallbacks.set(++lastFrameId, callback);
      return lastFrameId;
    },
    cancelAnimationFrame: (id: number) => {
      frameCallbacks.delete(id);
      running.delete(id);
    },
  });
  if (typeof Window === 'undefined') return;
  Object.assign(globalThis, {
    // A page is idle after each frame; it may then work as long as it likes, in no virtual time.
    requestIdleCallback: (callback: IdleRequestCallback) =>
      add(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1, [], false),
    cancelIdleCallback: clear,
  });
}
