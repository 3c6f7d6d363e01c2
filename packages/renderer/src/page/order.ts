import type { Control } from './control.js';

/**
 * A page gets the results of work outside its thread in the order in which it asked for them, one by one, each when the
 * thread has nothing else to do. The renderer does this for responses from the network: it calls `atRest` before it
 * delivers the next one. The results of other work that takes real time wait in a queue here.
 */
export function installOrder(control: Control): void {
  interface Delivery {
    /** Delivers the result to the page; undefined until the result is there. */
    deliver: (() => void | Promise<void>) | undefined;
  }
  const queue: Delivery[] = [];
  const waitingForEmpty: (() => void)[] = [];
  const waitingForChange: (() => void)[] = [];
  /** Work whose results cannot be delayed, and come before everything in the queue. */
  const first = new Set<Promise<unknown>>();
  let isDelivering = false;

  const wake = (waiting: (() => void)[]) => {
    for (const resolve of waiting.splice(0)) resolve();
  };

  control.takePlace = () => {
    const delivery: Delivery = { deliver: undefined };
    queue.push(delivery);
    return (deliver) => {
      delivery.deliver = deliver;
      wake(waitingForChange);
      control.deliver();
    };
  };

  const canDeliver = () => queue[0]?.deliver !== undefined && !control.isExchanging;

  control.deliver = () => {
    if (!isDelivering && canDeliver()) void deliverReady();
  };

  control.comeFirst = (promise) => {
    control.letEnd(promise);
    const remove = () => void first.delete(promise);
    first.add(promise);
    promise.then(remove, remove);
  };

  /** Resolves when this thread has nothing else to run, and no result that cannot be delayed is outstanding. */
  async function untilFree(): Promise<void> {
    do {
      await Promise.allSettled(first);
      await control.afterAll();
    } while (first.size > 0);
  }

  async function deliverReady(): Promise<void> {
    isDelivering = true;
    while (canDeliver()) {
      await untilFree();
      if (!canDeliver()) break;
      control.activity++;
      await new Promise<void>((resolve) => {
        void control.inTask(() => {
          // Until now the page is still waiting for it.
          const { deliver } = queue.shift()!;
          const ended = Promise.resolve(deliver!());
          control.letEnd(ended);
          void ended.then(resolve);
        });
      });
    }
    isDelivering = false;
    if (queue.length === 0) wake(waitingForEmpty);
    wake(waitingForChange);
  }

  control.untilDelivered = async () => {
    while (queue.length > 0 || first.size > 0) {
      await Promise.allSettled(first);
      if (queue.length > 0) await new Promise<void>((resolve) => waitingForEmpty.push(resolve));
    }
  };

  /** The round of messages, tasks and timers for the present time that is running; undefined if none is. */
  let round: Promise<void> | undefined;
  let isBusy = false;

  async function runRound(): Promise<void> {
    // Once the page has started, timers for the present time run here only if the clock is waiting for something.
    if (!control.started || control.pending.size > 0) isBusy = await control.runTimers(control.now);
    if (await control.exchange()) isBusy = true;
  }

  /**
   * Resolves when this thread is idle and the queue cannot move on, though the round may still be waiting for a worker.
   */
  async function untilQuiet(): Promise<void> {
    for (;;) {
      await control.afterAll();
      await control.afterAll();
      const isWaiting = queue.some(({ deliver }) => !deliver) || (queue.length > 0 && !control.isExchanging);
      if (!isWaiting && control.inFlight.size === 0) return;
      const moves = new Promise<void>((resolve) => waitingForChange.push(resolve));
      await Promise.race([moves, ...control.inFlight]);
    }
  }

  control.atRest = async () => {
    for (let busy = false; ; busy = true) {
      await untilQuiet();
      isBusy = false;
      round ??= runRound().finally(() => (round = undefined));
      await Promise.race([round, untilQuiet()]);
      await untilQuiet();
      const { webgpu } = control;
      const isOver = round !== undefined || !isBusy || webgpu === 'wanted';
      if (!isOver) continue;
      return {
        busy,
        blocked: round !== undefined,
        hears: control.listensToImages(),
        needsFrame: needsFrame(),
        verified: control.verified(),
        unstartedWorkers: control.takeUnstartedWorkers(),
        webgpu,
      };
    }
  };

  /** Whether the load event may be waiting for a frame, in which the browser resolves the `<use>` of other files. */
  function needsFrame(): boolean {
    if (typeof document === 'undefined' || document.readyState !== 'interactive') return false;
    for (const root of control.roots()) {
      for (const use of root.querySelectorAll('use')) if (!/^(#|$)/.test(use.href.baseVal)) return true;
    }
    return false;
  }
}
