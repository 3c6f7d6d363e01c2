import type { Control } from './control.js';

/**
 * A service worker is fetched, installed and made active in real time, and then answers the page's requests: the clock
 * waits until it is. Must come after what counts its registration as pending.
 */
export function installServiceWorkers(control: Control): void {
  // Only pages whose address is secure have it.
  if (typeof ServiceWorkerContainer === 'undefined' || !('serviceWorker' in navigator)) return;
  /** So long it may take, in milliseconds: it may wait for something that the page does later. */
  const PATIENCE_MS = 5000;
  const { prototype } = ServiceWorkerContainer;
  const { register, getRegistration } = prototype;

  /** Resolves when what has been registered is active, or will not be. */
  async function untilActive({ installing, waiting, active }: ServiceWorkerRegistration): Promise<void> {
    const worker = installing ?? waiting ?? active;
    if (!worker) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        // One that waits for its predecessor to have no pages left will wait as long as the page is there.
        const waits = worker.state === 'installed' && active !== null;
        if (waits || worker.state === 'activated' || worker.state === 'redundant') resolve();
      };
      worker.addEventListener('statechange', look);
      look();
    });
    // That it has claimed the page comes another way.
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
      // Where none has been registered it may never be.
      trackActivation(getRegistration.call(this));
      return ready.get!.call(this) as unknown;
    },
  });
}
