import type { Control } from './control.js';
import type { CanvasNote, WorkerLink, WorkerReply } from './workerTypes.js';

/** Dedicated workers, as seen from the context that starts them. */
export function installDedicatedWorkers(control: Control): void {
  if (typeof Worker === 'undefined') return;
  const KEY = 'genlock.control';
  const workers = control.workers!;
  const byWorker = new WeakMap<Worker, WorkerLink>();
  const RealWorker = Worker;
  const { terminate } = RealWorker.prototype;
  const postMessage = RealWorker.prototype.postMessage as (this: Worker, ...args: unknown[]) => void;

  function connect(worker: Worker, address: string): void {
    const [link, port] = workers.connect(address, false, ({ data, ports, lastEventId, origin }) => {
      worker.dispatchEvent(
        new MessageEvent('message', { data: data as unknown, ports: [...ports], lastEventId, origin }),
      );
    });
    byWorker.set(worker, link);
    worker.addEventListener('message', (event) => {
      if (!event.isTrusted) return;
      event.stopImmediatePropagation();
      const data: unknown = event.data;
      // A reply from a worker that is still starting and has no port yet.
      if (typeof data === 'object' && data !== null && KEY in data) workers.handleReply(link, data[KEY] as WorkerReply);
      else workers.handleMessage(link, event);
    });
    worker.addEventListener('messageerror', () => workers.handleMessage(link));
    worker.addEventListener('error', (event) => event.isTrusted && workers.handleError(link, event));
    postMessage.call(worker, KEY, [port]);
  }

  const VirtualWorker = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return (RealWorker as unknown as (...values: unknown[]) => Worker)(...args);
    const [url, options] = args as [unknown, WorkerOptions | null | undefined];
    const { type, credentials, name = '' } = options ?? {};
    const named = { type, credentials, name: `genlock ${control.nextSeed()} ${name}` };
    // The browser throws the right error for invalid arguments.
    const isOption = args.length > 0 && (options === undefined || typeof options === 'object');
    const worker = Reflect.construct(RealWorker, isOption ? [url, named] : args, new.target) as Worker;
    connect(worker, String(args[0]));
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
    const link = byWorker.get(this);
    const [message, options] = args as [unknown, Transferable[] | StructuredSerializeOptions | undefined];
    const transfer = (Array.isArray(options) ? options : options?.transfer) ?? [];
    const canvases = link && transfer.length > 0 ? (control.canvases?.release(message, transfer) ?? []) : [];
    if (link && canvases.length > 0) {
      link.drawsCanvases = true;
      control.realPost.call(link.port, { message: link.sent, canvases } satisfies CanvasNote);
    }
    postMessage.apply(this, args);
    if (link) link.sent++;
  };
  RealWorker.prototype.terminate = function () {
    terminate.call(this);
    const link = byWorker.get(this);
    if (link) workers.handleTermination(link);
  };
}
