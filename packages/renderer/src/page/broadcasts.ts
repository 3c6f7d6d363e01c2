import type { Control } from './control.js';

/**
 * The messages of a `BroadcastChannel` go through another process, even to channels in the same context. There each has
 * its place in the queue of results. Must be installed after the queue.
 */
export function installBroadcasts(control: Control): void {
  if (typeof BroadcastChannel === 'undefined') return;
  const Real = BroadcastChannel;
  const { close, postMessage } = Real.prototype;
  type Give = ReturnType<Control['takePlace']>;
  /** The open channels of this context, by name, each with the places of the messages on their way to it. */
  const open = new Map<string, Map<BroadcastChannel, Give[]>>();

  function receive(this: BroadcastChannel, event: Event): void {
    // A message from another context has no place in this queue.
    const give = event.isTrusted && open.get(this.name)?.get(this)?.shift();
    if (!give) return;
    event.stopImmediatePropagation();
    const { type, data, origin } = event as MessageEvent<unknown>;
    give(() => void this.dispatchEvent(new MessageEvent(type, { data, origin })));
  }

  const Virtual = function (...args: [string]) {
    const channel = Reflect.construct(Real, args, new.target ?? Real) as BroadcastChannel;
    const others = open.get(channel.name) ?? new Map<BroadcastChannel, Give[]>();
    open.set(channel.name, others.set(channel, []));
    for (const type of ['message', 'messageerror']) channel.addEventListener(type, receive);
    return channel;
  } as unknown as typeof BroadcastChannel;
  Object.defineProperty(Virtual, 'name', { value: 'BroadcastChannel' });
  Object.defineProperty(Virtual, 'prototype', { value: Real.prototype, writable: false });
  Object.defineProperty(Real.prototype, 'constructor', { value: Virtual, writable: true, configurable: true });
  Object.defineProperty(globalThis, 'BroadcastChannel', { value: Virtual, writable: true, configurable: true });

  Real.prototype.postMessage = function (message: unknown) {
    control.active = true;
    postMessage.call(this, message);
    for (const [channel, onTheirWay] of open.get(this.name) ?? [])
      if (channel !== this) onTheirWay.push(control.takePlace());
  };

  Real.prototype.close = function () {
    close.call(this);
    const channels = open.get(this.name);
    for (const give of channels?.get(this) ?? []) give(() => {});
    channels?.delete(this);
    if (channels?.size === 0) open.delete(this.name);
  };
}
