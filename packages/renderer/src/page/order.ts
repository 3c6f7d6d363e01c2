import type { Control } from './control.js';

/**
 * What a page gets from outside its thread comes in the order in which it was asked for, one after the other, each
 * when nothing else is left to do. The renderer sees to the answers of the network, and asks for `atRest`
 * before it hands over the next one; what else takes real time waits in a line here.
 */
export function installOrder(control: Control): void {
  interface Delivery {
    /** Gives the page what it waits for, once that is there. */
    hand: (() => void | Promise<void>) | undefined;
  }
  const line: Delivery[] = [];
  const emptied: (() => void)[] = [];
  const changed: (() => void)[] = [];
  let isDelivering = false;

  const wake = (waiting: (() => void)[]) => {
    for (const resolve of waiting.splice(0)) resolve();
  };

  control.takePlace = () => {
    const delivery: Delivery = { hand: undefined };
    line.push(delivery);
    return (hand) => {
      delivery.hand = hand;
      wake(changed);
      control.deliver();
    };
  };

  const isNext = () => line[0]?.hand !== undefined && !control.isExchanging;

  control.deliver = () => {
    if (!isDelivering && isNext()) void handOver();
  };

  async function handOver(): Promise<void> {
    isDelivering = true;
    while (isNext()) {
      await control.afterAll();
      if (!isNext()) break;
      control.activity++;
      const { hand } = line.shift()!;
      await new Promise<void>((resolve) => {
        void control.inTask(() => {
          const ended = Promise.resolve(hand!());
          control.letEnd(ended);
          void ended.then(resolve);
        });
      });
    }
    isDelivering = false;
    if (line.length === 0) wake(emptied);
    wake(changed);
  }

  control.untilDelivered = async () => {
    while (line.length > 0) await new Promise<void>((resolve) => emptied.push(resolve));
  };

  /** Messages, tasks and timers of the present time that are being run; undefined when there is nothing of that. */
  let pass: Promise<void> | undefined;
  let isBusy = false;

  async function passOnce(): Promise<void> {
    // A page that has been started sees timers of the present time only where something is waited for.
    if (!control.started || control.pending.size > 0) isBusy = await control.runTimers(control.now);
    if (await control.exchange()) isBusy = true;
  }

  /** Resolves when nothing moves any more, though the pass may wait for somebody else. */
  async function untilStill(): Promise<void> {
    for (;;) {
      await control.afterAll();
      await control.afterAll();
      const isWaiting = line.some(({ hand }) => !hand) || (line.length > 0 && !control.isExchanging);
      if (!isWaiting && control.inFlight.size === 0) return;
      const moves = new Promise<void>((resolve) => changed.push(resolve));
      await Promise.race([moves, ...control.inFlight]);
    }
  }

  control.atRest = async () => {
    for (let busy = false; ; busy = true) {
      await untilStill();
      isBusy = false;
      pass ??= passOnce().finally(() => (pass = undefined));
      await Promise.race([pass, untilStill()]);
      await untilStill();
      const { webgpu } = control;
      const isOver = pass !== undefined || !isBusy || webgpu === 'wanted';
      if (!isOver) continue;
      return {
        busy,
        blocked: pass !== undefined,
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
