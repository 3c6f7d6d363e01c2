import type { Control } from './control.js';

/**
 * A service worker is fetched, installed and activated in real time, and then answers the page's requests. The clock
 * waits until it is active. Must be installed after the part that counts its registration as pending (`pendingWork`).
 */
export function installServiceWorkers(control: Control): void {
  // Missing in a page without a secure origin.
  if (typeof ServiceWorkerContainer === 'undefined' || !('serviceWorker' in navigator)) return;
  /** How long the clock waits, in milliseconds: activation may depend on something that the page does later. */
  const PATIENCE_MS = 5000;
  const { prototype } = ServiceWorkerContainer;
  const { register, getRegistration } = prototype;

  /** Resolves when the registered worker is active, or will not become active. */
  async function untilActive({ installing, waiting, active }: ServiceWorkerRegistration): Promise<void> {
    const worker = installing ?? waiting ?? active;
    if (!worker) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        // A worker that waits for the pages of its predecessor to close waits as long as this page is open.
        const waits = worker.state === 'installed' && active !== null;
        if (waits || worker.state === 'activated' || worker.state === 'redundant') resolve();
      };
      worker.addEventListener('statechange', look);
      look();
    });
    // The message that it has claimed the page comes by another route: this round trip lets it arrive.
    await getRegistration.call(navigator.serviceWorker);
  }

  const trackActivation = (registered: Promise<ServiceWorkerRegistration | undefined>) => {
    const active = registered.then(
      (registration) => registration && untilActive(registration),
      () => {},
    );
    void control.track(active, 'a service worker to be active', PATIENCE_MS).catch(() => {});
  };

  prototype.register = function (...args) {
    const registered = register.apply(this, args);
    trackActivation(registered);
    return registered;
  };

  const ready = Object.getOwnPropertyDescriptor(prototype, 'ready')!;
  Object.defineProperty(prototype, 'ready', {
    ...ready,
    get(this: ServiceWorkerContainer) {
      // `ready` itself may never settle if no worker is registered.
      trackActivation(getRegistration.call(this));
      return ready.get!.call(this) as unknown;
    },
  });
}
