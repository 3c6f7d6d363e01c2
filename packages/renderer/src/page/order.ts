import type { Control } from './control.js';

/**
 * What a page gets from outside its thread comes in the order in which it was asked for, one after the other, each
 * when nothing else is left to do. The renderer sees to the answers of the network, and asks for `atRest`
 * before it hands over the next one; what else takes real time waits in a line here.
 */
export function installOrder(control: Control): void {
  interface Delivery {
    /** Gives the page what it waits for, once that is there. */
    deliver: (() => void | Promise<void>) | undefined;
  }
  const queue: Delivery[] = [];
  const waitingForEmpty: (() => void)[] = [];
  const waitingForChange: (() => void)[] = [];
  let isDelivering = false;

  const wake = (waiting: (() => void)[]) => {
    for (const resolve of waiting.splice(0)) resolve();
  };

  control.takePlace = () => {
    const delivery: Delivery = { deliver: undefined };
    queue.push(delivery);
    return (hand) => {
      delivery.deliver = hand;
      wake(waitingForChange);
      control.deliver();
    };
  };

  const canDeliver = () => queue[0]?.deliver !== undefined && !control.isExchanging;

  control.deliver = () => {
    if (!isDelivering && canDeliver()) void deliverReady();
  };

  async function deliverReady(): Promise<void> {
    isDelivering = true;
    while (canDeliver()) {
      await control.afterAll();
      if (!canDeliver()) break;
      control.activity++;
      const { deliver } = queue.shift()!;
      await new Promise<void>((resolve) => {
        void control.inTask(() => {
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
    while (queue.length > 0) await new Promise<void>((resolve) => waitingForEmpty.push(resolve));
  };

  /** Messages, tasks and timers of the present time that are being run; undefined when there is nothing of that. */
  let round: Promise<void> | undefined;
  let isBusy = false;

  async function runRound(): Promise<void> {
    // A page that has been started sees timers of the present time only where something is waited for.
    if (!control.started || control.pending.size > 0) isBusy = await control.runTimers(control.now);
    if (await control.exchange()) isBusy = true;
  }

  /** Resolves when nothing moves any more, though the pass may wait for somebody else. */
  async function untilIdle(): Promise<void> {
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
      await untilIdle();
      isBusy = false;
      round ??= runRound().finally(() => (round = undefined));
      await Promise.race([round, untilIdle()]);
      await untilIdle();
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

  /** What `<use>` shows of other files is put together in a frame of the browser, and the load waits for that. */
  function needsFrame(): boolean {
    if (typeof document === 'undefined' || document.readyState !== 'interactive') return false;
    for (const root of control.roots()) {
      for (const use of root.querySelectorAll('use')) if (!/^(#|$)/.test(use.href.baseVal)) return true;
    }
    return false;
  }
}
