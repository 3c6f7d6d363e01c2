import type { Control } from './control.js';

/** Runs timers, intervals, frame callbacks and idle callbacks by the virtual clock. */
export function installTimers(control: Control): void {
  interface Timer {
    id: number;
    due: number;
    /** When the timer would be due if its delay were not clamped: from then on, `runClampedTimer` may run it. */
    wanted: number;
    run: () => void;
    /** In milliseconds; undefined for a timer that runs once. */
    interval: number | undefined;
    /** How deep this timer is nested: from the sixth level on, its delay is clamped to 4 ms (HTML, timers). */
    nesting: number;
  }
  const MAX_NESTING = 5;
  const MIN_NESTED_DELAY = 4;
  /**
   * How many consecutive microtasks still belong to a timer, so that timers which a function awaits count as nested.
   */
  const MICROTASKS = 100;
  const nothing = Promise.resolve();

  let lastId = 0;
  let nesting = 0;
  const timers = new Map<number, Timer>();

  /** Adds a timer. `needs` is the part of the delay that must pass even for `runClampedTimer`. */
  function add(handler: unknown, delay: unknown, args: unknown[], repeats: boolean, needs = delay): number {
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
      wanted: control.now + Math.max(0, Number(needs) || 0),
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
    control.activity++;
    control.now = Math.max(control.now, timer.due);
    if (timer.interval === undefined) {
      timers.delete(timer.id);
    } else {
      timer.nesting += 1;
      const least = timer.nesting > MAX_NESTING ? MIN_NESTED_DELAY : 1;
      // Reinserted at the end, so that timers due at the same time run in the order in which they were set.
      timers.delete(timer.id);
      timer.due += Math.max(timer.interval, least);
      timers.set(timer.id, timer);
    }
    nesting = timer.nesting;
    try {
      timer.run();
    } finally {
      void endNesting();
    }
  }

  async function endNesting(): Promise<void> {
    for (let count = 0; count < MICROTASKS; count++) await nothing;
    nesting = 0;
  }

  control.addTimer = (run, delay) => add(run, delay, [], false);
  control.shiftTimers = (by) => {
    for (const timer of timers.values()) {
      timer.due += by;
      timer.wanted += by;
    }
  };
  control.nextDue = () => Math.min(earliest()?.due ?? Infinity, control.nextWorkerDue());

  /** Runs the next timer due by then, after the messages and tasks before it. Returns whether there was one. */
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
  /** Runs functions one at a time, whoever calls. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = turn.then(run);
    turn = result.catch(() => {});
    return result;
  }

  control.runTimers = async (until) => {
    for (let any = false; ; any = true) {
      const due = control.nextDue();
      const next = Math.min(due, until);
      // Work started at one time is finished before the clock moves on, since it takes no virtual time. Promises given
      // by the page are not waited for between frames: they may need the next frame.
      const mayWait = due <= until ? 0 : control.promised;
      while (next > control.now && control.pending.size > mayWait) {
        await Promise.race([Promise.allSettled(control.pending), control.realDelay(5)]);
      }
      if (next > control.now && control.releasePostponed()) await control.exchange();
      else if (!(await inTurn(() => runNext(until)))) return any;
    }
  };

  control.runClampedTimer = async () => {
    // Between two of these timers, waits for the page to come to rest get a turn.
    await control.afterAll();
    return inTurn(async () => {
      let timer: Timer | undefined;
      await control.inTask(() => {
        timer = [...timers.values()].find(({ wanted, interval }) => wanted <= control.now && interval === undefined);
        if (!timer) return;
        timer.due = control.now;
        fire(timer);
      });
      return timer !== undefined;
    });
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
    // Callbacks requested from now on belong to the next frame.
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
  AbortSignal.timeout = (delay) => {
    const controller = new AbortController();
    add(() => controller.abort(new DOMException('signal timed out', 'TimeoutError')), delay, [], false);
    return controller.signal;
  };
  if (typeof Window === 'undefined') return;
  Object.assign(globalThis, {
    // A page is idle after each frame, and may then work as long as it likes, in no virtual time.
    requestIdleCallback: (callback: IdleRequestCallback) =>
      add(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1, [], false, 0),
    cancelIdleCallback: clear,
  });
}
