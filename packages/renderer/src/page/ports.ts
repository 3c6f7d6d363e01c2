import type { Control } from './control.js';

/**
 * The port between a page and a shared worker has two ends that are ours. The page and the worker each have one of a
 * channel of their own instead, and what comes for them is passed on when it is its turn.
 */
export function installPorts(control: Control): void {
  const movable = ['ArrayBuffer', 'AudioData', 'ImageBitmap', 'MediaSourceHandle', 'MessagePort', 'OffscreenCanvas'];
  movable.push('ReadableStream', 'RTCDataChannel', 'TransformStream', 'VideoFrame', 'WritableStream');
  const isMovable = (value: object) => movable.includes(Object.prototype.toString.call(value).slice(8, -1));

  /** What has to be moved along with a message, or need not be copied. */
  function movablesIn(value: unknown, found = new Set<object>(), seen = new Set<object>()): Set<object> {
    if (typeof value !== 'object' || value === null || seen.has(value)) return found;
    seen.add(value);
    if (isMovable(value)) found.add(value);
    else if (ArrayBuffer.isView(value)) movablesIn(value.buffer, found, seen);
    else if (value instanceof Map) for (const each of value) movablesIn(each, found, seen);
    else if (value instanceof Set) for (const each of value) movablesIn(each, found, seen);
    else for (const each of Object.values(value)) movablesIn(each, found, seen);
    return found;
  }

  control.splitPort = (real, sent) => {
    const { port1: replacement, port2: ours } = new MessageChannel();
    const post = (message: unknown, transfer: Transferable[]) => {
      control.realPost.call(real, message, transfer);
      sent();
    };
    // Past our end: a worker that closes itself has said it by then. Who has been given the port has the browser's own.
    const postMessage = (message: unknown, options?: Transferable[] | StructuredSerializeOptions) =>
      post(message, (Array.isArray(options) ? options : options?.transfer) ?? []);
    Object.defineProperty(replacement, 'postMessage', { value: postMessage, writable: true, configurable: true });
    const unpack = ({ data, ports }: MessageEvent) =>
      [data, [...new Set([...ports, ...movablesIn(data)])] as Transferable[]] as const;
    ours.onmessage = (event) => post(...unpack(event));
    ours.addEventListener('close', () => real.close());
    real.addEventListener('close', () => ours.close());
    return { replacement, deliver: (message) => ours.postMessage(...unpack(message)) };
  };
}
