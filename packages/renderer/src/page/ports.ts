import type { Control } from './control.js';

/**
 * Both ends of the port between a page and a shared worker are kept for ourselves. The page and the worker each get a
 * port of another channel instead, to which messages are forwarded when it is their turn.
 */
export function installPorts(control: Control): void {
  const movable = ['ArrayBuffer', 'AudioData', 'ImageBitmap', 'MediaSourceHandle', 'MessagePort', 'OffscreenCanvas'];
  movable.push('ReadableStream', 'RTCDataChannel', 'TransformStream', 'VideoFrame', 'WritableStream');
  const isMovable = (value: object) => movable.includes(Object.prototype.toString.call(value).slice(8, -1));

  /** The objects in a message that must be transferred with it, or can be instead of being copied. */
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
    // Posts directly to the real port, so that the last messages of a worker that closes itself are not lost. A context
    // to which the port has been transferred gets the browser's own method.
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
