import type { Control } from './control.js';
import type { CanvasNote, WorkerLink, WorkerReply } from './workerTypes.js';

/** Dedicated workers, from the side of whoever starts them. */
export function installDedicatedWorkers(control: Control): void {
  if (typeof Worker === 'undefined') return;
  const KEY = 'genlock.control';
  const workers = control.workers!;
  const byWorker = new WeakMap<Worker, WorkerLink>();
  const RealWorker = Worker;
  const { terminate } = RealWorker.prototype;
  const postMessage = RealWorker.prototype.postMessage as (this: Worker, ...args: unknown[]) => void;

  function follow(worker: Worker, address: string): void {
    const [made, port] = workers.connect(address, false, ({ data, ports, lastEventId, origin }) => {
      worker.dispatchEvent(
        new MessageEvent('message', { data: data as unknown, ports: [...ports], lastEventId, origin }),
      );
    });
    byWorker.set(worker, made);
    worker.addEventListener('message', (event) => {
      if (!event.isTrusted) return;
      event.stopImmediatePropagation();
      const data: unknown = event.data;
      // What it says while it begins: it has no port yet.
      if (typeof data === 'object' && data !== null && KEY in data) workers.handleReply(made, data[KEY] as WorkerReply);
      else workers.handleMessage(made, event);
    });
    worker.addEventListener('messageerror', () => workers.handleMessage(made));
    worker.addEventListener('error', (event) => event.isTrusted && workers.handleError(made, event));
    postMessage.call(worker, KEY, [port]);
  }

  const VirtualWorker = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return (RealWorker as unknown as (...values: unknown[]) => Worker)(...args);
    const [url, options] = args as [unknown, WorkerOptions | null | undefined];
    const { type, credentials, name = '' } = options ?? {};
    const named = { type, credentials, name: `genlock ${control.nextSeed()} ${name}` };
    // The browser knows how to refuse.
    const isOption = args.length > 0 && (options === undefined || typeof options === 'object');
    const worker = Reflect.construct(RealWorker, isOption ? [url, named] : args, new.target) as Worker;
    follow(worker, String(args[0]));
    return worker;
  } as unknown as typeof Worker;
  Object.defineProperty(VirtualWorker, 'name', { value: 'Worker' });
  Object.defineProperty(VirtualWorker, 'length', { value: 1 });
  Object.defineProperty(VirtualWorker, 'prototype', { value: RealWorker.prototype, writable: false });
  Object.defineProperty(RealWorker.prototype, 'constructor', {
    value: VirtualWorker,
    writable: true,
    configurable: true,
  });
  Object.defineProperty(globalThis, 'Worker', { value: VirtualWorker, writable: true, configurable: true });
  RealWorker.prototype.postMessage = function (this: Worker, ...args: unknown[]) {
    const to = byWorker.get(this);
    const [message, options] = args as [unknown, Transferable[] | StructuredSerializeOptions | undefined];
    const transfer = (Array.isArray(options) ? options : options?.transfer) ?? [];
    const canvases = to && transfer.length > 0 ? (control.canvases?.release(message, transfer) ?? []) : [];
    if (to && canvases.length > 0) {
      to.drawsCanvases = true;
      control.realPost.call(to.port, { message: to.sent, canvases } satisfies CanvasNote);
    }
    postMessage.apply(this, args);
    if (to) to.sent++;
  };
  RealWorker.prototype.terminate = function () {
    terminate.call(this);
    const gone = byWorker.get(this);
    if (gone) workers.handleTermination(gone);
  };
}
