import type { Control } from './control.js';

/** `Date`, `performance.now()` and their relations read the virtual clock. */
export function installTime(control: Control): void {
  const RealDate = Date;
  const { epoch } = control.config;
  const now = () => epoch + Math.floor(control.now);

  // A function, not a class: `Date()` without `new` is legal and gives text.
  const VirtualDate = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return new RealDate(now()).toString();
    const values = args.length === 0 ? [now()] : args;
    return Reflect.construct(RealDate, values, new.target) as Date;
  } as unknown as DateConstructor;
  Object.defineProperty(VirtualDate, 'prototype', { value: RealDate.prototype, writable: false });
  Object.defineProperties(VirtualDate, {
    name: { value: 'Date' },
    length: { value: 7 },
    now: { value: now, writable: true, configurable: true },
    parse: { value: RealDate.parse, writable: true, configurable: true },
    UTC: { value: RealDate.UTC, writable: true, configurable: true },
  });
  Object.defineProperty(RealDate.prototype, 'constructor', {
    value: VirtualDate,
    writable: true,
    configurable: true,
  });
  Object.defineProperty(globalThis, 'Date', { value: VirtualDate, writable: true, configurable: true });

  performance.now = () => control.now;
  Object.defineProperty(performance, 'timeOrigin', { get: () => epoch, configurable: true });
  const realMark = performance.mark.bind(performance);
  performance.mark = (name, options) => realMark(name, { startTime: control.now, ...options });
  Object.defineProperty(Event.prototype, 'timeStamp', { get: () => control.now, configurable: true });
}
