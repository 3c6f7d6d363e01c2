import type { Control } from './control.js';

/**
 * The results of work that other threads of the browser do for a page (decoding, compiling, hashing, reading) are
 * delivered in the order in which they were requested, since the order in which they become ready varies. Must be
 * installed before the part that counts the same calls as pending (`pendingWork`).
 */
export function installOrderedAnswers(control: Control): void {
  const globals = globalThis as unknown as Record<string, { prototype: object } | undefined>;
  type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

  /** Orders the results of an object's methods. `ends` decides for each call whether it ends by itself. */
  function order(
    owner: object | undefined,
    names: string[],
    ends: (self: unknown, ...args: unknown[]) => boolean = () => true,
  ) {
    const methods = owner as Record<string, Method | undefined> | undefined;
    for (const name of names) {
      const real = methods?.[name];
      if (!methods || typeof real !== 'function') continue;
      methods[name] = function (...args) {
        const promise = real.apply(this, args);
        return ends(this, ...args) ? control.inLine(promise) : promise;
      };
    }
  }

  const orderClass = (className: string, names: string[], ends?: (self: unknown, arg: unknown) => boolean) =>
    order(globals[className]?.prototype, names, ends);

  const bodies = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'];
  // A body that the page itself feeds does not end by itself.
  for (const name of ['Request', 'Response']) orderClass(name, bodies, (body) => !control.isFed(body as object));
  orderClass('Blob', bodies);
  orderClass('OffscreenCanvas', ['convertToBlob']);
  order(globalThis, ['createImageBitmap']);
  order(WebAssembly, ['compile', 'instantiate']);
  // The renderer orders responses from the network.
  order(globalThis, ['fetch'], (_, input) => {
    return /^(blob|data):/i.test(input instanceof Request ? input.url : String(input));
  });
  const verifying = new Map<object, string>();
  control.verified = () => [...verifying.values()];
  const load = globalThis.fetch;
  globalThis.fetch = function (...args) {
    const result = load.apply(this as unknown, args);
    const [input, init] = args;
    if (!(init?.integrity ?? (input instanceof Request && input.integrity))) return result;
    const { href } = new URL(
      input instanceof Request ? input.url : input,
      globalThis.document?.baseURI ?? location.href,
    );
    verifying.set(result, href.replace(/#.*/s, ''));
    const end = () => void verifying.delete(result);
    result.then(end, end);
    return result;
  };
  // The response comes over the network: compilation takes its place in the queue once the response is there.
  for (const name of ['compileStreaming', 'instantiateStreaming'] as const) {
    const real = WebAssembly[name] as Method;
    Object.assign(WebAssembly, {
      [name]: async (source: unknown, ...rest: unknown[]) => {
        const response = await source;
        return control.inLine(real.call(WebAssembly, response, ...rest));
      },
    });
  }
  /** Methods of other classes whose work ends by itself. */
  const METHODS: Record<string, string> = {
    Cache: 'delete keys match matchAll',
    CacheStorage: 'delete has keys match open',
    CookieStore: 'delete get getAll set',
    FileSystemDirectoryHandle: 'getDirectoryHandle getFileHandle removeEntry resolve',
    FileSystemFileHandle: 'createSyncAccessHandle createWritable getFile move',
    FileSystemHandle: 'isSameEntry queryPermission remove',
    FileSystemWritableFileStream: 'seek truncate write',
    MediaCapabilities: 'decodingInfo encodingInfo',
    NavigatorUAData: 'getHighEntropyValues',
    Permissions: 'query',
    StorageBucket: 'estimate expires getDirectory persisted setExpires',
    StorageBucketManager: 'delete keys open',
    StorageManager: 'estimate getDirectory persisted',
    SubtleCrypto:
      'decrypt deriveBits deriveKey digest encrypt exportKey generateKey importKey sign unwrapKey verify wrapKey',
    VideoFrame: 'copyTo',
  };
  const ordered = new Set<string>();
  /** Orders the methods of every class that this context has by now, before they are counted as pending. */
  function orderAll(): void {
    for (const [name, names] of Object.entries(METHODS)) {
      if (!globals[name] || ordered.has(name)) continue;
      ordered.add(name);
      orderClass(name, names.split(' '));
      if (name === 'Cache')
        order(globals[name].prototype, ['put'], (_, __, response) => !control.isFed(response as object));
    }
  }
  orderAll();
  control.whenComplete(orderAll);

  if (typeof HTMLImageElement !== 'undefined') {
    const { decode } = HTMLImageElement.prototype;
    HTMLImageElement.prototype.decode = function () {
      const decoded = decode.call(this);
      if (this.complete) return control.inLine(decoded);
      // Until the image has loaded, decoding depends on the network, so it takes no place in the queue yet.
      let give: ReturnType<Control['takePlace']> | undefined;
      const take = () => (give ??= control.takePlace());
      const told = new Promise<void>((resolve) => {
        const tell = () => {
          take();
          resolve();
        };
        for (const type of ['load', 'error']) this.addEventListener(type, tell, { once: true, capture: true });
        // The image may be decoded before its load event, or get no event at all.
        const settled = () => void control.afterAll().then(resolve);
        decoded.then(settled, settled);
      });
      return new Promise((resolve, reject) => {
        decoded.then(
          () => void told.then(() => take()(resolve)),
          (error: unknown) => void told.then(() => take()(() => reject(error))),
        );
      });
    };
  }

  if (typeof HTMLCanvasElement !== 'undefined') {
    const { toBlob } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.toBlob = function (callback, ...format) {
      const give = control.takePlace();
      try {
        toBlob.call(this, (blob) => give(() => callback(blob)), ...format);
      } catch (error) {
        give(() => {});
        throw error;
      }
    };
  }

  if (typeof XMLHttpRequest !== 'undefined') {
    const { abort, open, send } = XMLHttpRequest.prototype;
    /**
     * Requests for `blob:` and `data:` URLs, which start only when it is their turn. The value says whether `send` has
     * been called.
     */
    const waiting = new WeakMap<XMLHttpRequest, boolean>();
    XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...args: unknown[]) {
      waiting.delete(this);
      (open as (...values: unknown[]) => void).apply(this, args);
      if (args[2] !== false && /^(blob|data):/i.test(String(args[1]))) waiting.set(this, false);
    };
    XMLHttpRequest.prototype.send = function (body) {
      if (waiting.get(this) !== false) {
        send.call(this, body);
        return;
      }
      waiting.set(this, true);
      const give = control.takePlace();
      give(() => {
        if (!waiting.delete(this)) return;
        const ended = new Promise<void>((resolve) => this.addEventListener('loadend', () => resolve(), { once: true }));
        send.call(this, body);
        return ended;
      });
    };
    XMLHttpRequest.prototype.abort = function () {
      const isSent = waiting.get(this) === true;
      waiting.delete(this);
      // A request fires the events of its end only if it has started.
      if (isSent) send.call(this);
      abort.call(this);
    };
  }

  if (typeof FileReader !== 'undefined') {
    const { abort } = FileReader.prototype;
    /** Readers at work, whose events are held until it is their turn. */
    const waiting = new WeakMap<FileReader, { events: ProgressEvent[]; give: (hand: () => void) => void }>();
    const hold = function (this: FileReader, event: Event) {
      const held = waiting.get(this);
      if (!held || !event.isTrusted) return;
      event.stopImmediatePropagation();
      held.events.push(event as ProgressEvent);
      if (event.type !== 'loadend') return;
      waiting.delete(this);
      held.give(() => {
        for (const { type, loaded, total, lengthComputable } of held.events)
          this.dispatchEvent(new ProgressEvent(type, { loaded, total, lengthComputable }));
      });
    };
    for (const name of ['readAsArrayBuffer', 'readAsBinaryString', 'readAsDataURL', 'readAsText'] as const) {
      const read = FileReader.prototype[name] as (this: FileReader, ...args: unknown[]) => void;
      FileReader.prototype[name] = function (this: FileReader, ...args: unknown[]) {
        read.apply(this, args);
        waiting.set(this, { events: [], give: control.takePlace() });
      };
    }
    const RealReader = FileReader;
    const VirtualReader = function () {
      const reader = Reflect.construct(RealReader, [], new.target ?? RealReader) as FileReader;
      // The first listener of all gets each event before the page does.
      for (const type of ['progress', 'load', 'error', 'loadend']) reader.addEventListener(type, hold);
      return reader;
    } as unknown as typeof FileReader;
    Object.defineProperty(VirtualReader, 'name', { value: 'FileReader' });
    Object.defineProperty(VirtualReader, 'prototype', { value: RealReader.prototype, writable: false });
    for (const [index, name] of ['EMPTY', 'LOADING', 'DONE'].entries())
      Object.defineProperty(VirtualReader, name, { value: index, enumerable: true });
    Object.defineProperty(RealReader.prototype, 'constructor', {
      value: VirtualReader,
      writable: true,
      configurable: true,
    });
    Object.defineProperty(globalThis, 'FileReader', { value: VirtualReader, writable: true, configurable: true });
    FileReader.prototype.abort = function () {
      const held = waiting.get(this);
      waiting.delete(this);
      held?.give(() => {});
      abort.call(this);
    };
  }

  if (typeof FontFaceSet === 'undefined' || typeof document === 'undefined') return;
  // A page's fonts count as ready only after `load`. Whether they are ready earlier depends on the network.
  const loaded = new Promise<void>((resolve) => {
    addEventListener('load', () => void control.inTask(() => resolve()), { once: true, capture: true });
  });
  const ready = Object.getOwnPropertyDescriptor(FontFaceSet.prototype, 'ready')!;
  const known = new WeakMap<Promise<FontFaceSet>, Promise<FontFaceSet>>();
  Object.defineProperty(FontFaceSet.prototype, 'ready', {
    ...ready,
    get(this: FontFaceSet) {
      const real = ready.get!.call(this) as Promise<FontFaceSet>;
      if (this !== document.fonts || document.readyState === 'complete') return known.get(real) ?? real;
      const held = known.get(real) ?? Promise.all([real, loaded]).then(() => this);
      known.set(real, held);
      return held;
    },
  });
}
