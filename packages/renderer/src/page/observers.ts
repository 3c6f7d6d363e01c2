import type { Control } from './control.js';

/**
 * The browser calls layout observers (`IntersectionObserver`, `ResizeObserver`) when it makes a frame. If anything is
 * observed, the renderer has the browser make a frame before each capture, which then shows what the observers change.
 */
export function installObservers(control: Control): void {
  interface Observer {
    observe(target: Element, options?: unknown): void;
    unobserve(target: Element): void;
    disconnect(): void;
  }
  type ObserverClass = new (callback: (...args: unknown[]) => void, options?: unknown) => Observer;

  for (const name of ['IntersectionObserver', 'ResizeObserver']) {
    const globals = globalThis as unknown as Record<string, ObserverClass | undefined>;
    const Real = globals[name];
    if (!Real) continue;
    const targets = new WeakMap<Observer, Set<Element>>();

    const Virtual = function (callback: unknown, options?: unknown) {
      const counted =
        typeof callback === 'function'
          ? function (this: unknown, ...args: unknown[]) {
              control.observers.calls++;
              return (callback as (...values: unknown[]) => unknown).apply(this, args);
            }
          : callback;
      return Reflect.construct(Real, [counted, options], new.target ?? Real) as Observer;
    } as unknown as ObserverClass;
    Object.defineProperty(Virtual, 'name', { value: name });
    Object.defineProperty(Virtual, 'length', { value: 1 });
    Object.defineProperty(Virtual, 'prototype', { value: Real.prototype, writable: false });
    Object.defineProperty(Real.prototype, 'constructor', { value: Virtual, writable: true, configurable: true });
    Object.defineProperty(globalThis, name, { value: Virtual, writable: true, configurable: true });

    const { observe, unobserve, disconnect } = Real.prototype as Observer;
    const updateTargets = (observer: Observer, change: (observed: Set<Element>) => void) => {
      const observed = targets.get(observer) ?? new Set();
      targets.set(observer, observed);
      const before = observed.size;
      change(observed);
      control.observers.targets += observed.size - before;
    };
    Object.assign(Real.prototype, {
      observe(this: Observer, target: Element, options?: unknown) {
        observe.call(this, target, options);
        updateTargets(this, (observed) => observed.add(target));
      },
      unobserve(this: Observer, target: Element) {
        unobserve.call(this, target);
        updateTargets(this, (observed) => observed.delete(target));
      },
      disconnect(this: Observer) {
        disconnect.call(this);
        updateTargets(this, (observed) => observed.clear());
      },
    } satisfies Observer);
  }

  Object.defineProperty(IntersectionObserverEntry.prototype, 'time', {
    get: () => control.now - control.born,
    configurable: true,
  });
}
