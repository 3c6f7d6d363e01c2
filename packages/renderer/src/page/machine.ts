import type { Control } from './control.js';

/** Replaces what the browser measures of the machine and its network by constants, because pages display it. */
export function installMachine(_control: Control): void {
  const MEMORY = { jsHeapSizeLimit: 4_294_967_296, totalJSHeapSize: 10_000_000, usedJSHeapSize: 10_000_000 };
  if ('memory' in performance) {
    const memory = Object.freeze(MEMORY);
    Object.defineProperty(performance, 'memory', { configurable: true, enumerable: true, get: () => memory });
  }

  const { NetworkInformation } = globalThis as { NetworkInformation?: { prototype: object } };
  const NETWORK = { effectiveType: '4g', rtt: 0, downlink: 10, saveData: false };
  for (const [name, value] of Object.entries(NetworkInformation ? NETWORK : {})) {
    Object.defineProperty(NetworkInformation!.prototype, name, {
      configurable: true,
      enumerable: true,
      get: () => value,
    });
  }
}
