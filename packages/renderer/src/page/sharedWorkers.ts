import type { Control } from './control.js';
import type { WorkerLink } from './workerTypes.js';

/** Shared workers, as seen from a document that connects to one. */
export function installSharedWorkers(control: Control): void {
  if (typeof SharedWorker === 'undefined') return;
  const KEY = 'genlock.control';
  const RealWorker = SharedWorker;
  const { prototype } = RealWorker;
  const readPort = Object.getOwnPropertyDescriptor(prototype, 'port')!;
  const ports = new WeakMap<SharedWorker, MessagePort>();

  function connect(worker: SharedWorker, address: string): void {
    const workers = control.workers!;
    const real = (readPort.get as (this: SharedWorker) => MessagePort).call(worker);
    const { replacement, deliver } = control.splitPort(real, () => link.sent++);
    const [link, port]: [WorkerLink, MessagePort] = workers.connect(address, true, deliver);
    ports.set(worker, replacement);
    real.onmessage = (event) => workers.handleMessage(link, event);
    real.onmessageerror = () => workers.handleMessage(link);
    worker.addEventListener('error', (event) => event.isTrusted && workers.handleError(link, event));
    control.realPost.call(real, KEY, [port]);
  }

  Object.defineProperty(prototype, 'port', {
    ...readPort,
    get(this: SharedWorker) {
      return ports.get(this) ?? (readPort.get!.call(this) as MessagePort);
    },
  });
  const VirtualWorker = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return (RealWorker as unknown as (...values: unknown[]) => SharedWorker)(...args);
    const worker = Reflect.construct(RealWorker, args, new.target) as SharedWorker;
    connect(worker, String(args[0]));
    return worker;
  } as unknown as typeof SharedWorker;
  Object.defineProperty(VirtualWorker, 'name', { value: 'SharedWorker' });
  Object.defineProperty(VirtualWorker, 'length', { value: 1 });
  Object.defineProperty(VirtualWorker, 'prototype', { value: prototype, writable: false });
  Object.defineProperty(prototype, 'constructor', { value: VirtualWorker, writable: true, configurable: true });
  Object.defineProperty(globalThis, 'SharedWorker', { value: VirtualWorker, writable: true, configurable: true });
}
