import type { Control } from './control.js';

/**
 * Work that the browser does in real time takes no virtual time: the clock waits for answers from
 * the network, decoded pictures, loaded fonts, compiled code and stored data that the page asked for.
 */
export function installPendingWork(control: Control): void {
  const globals = globalThis as unknown as Record<string, { prototype: object } | undefined>;

  /** Makes every call of an asynchronous method count as pending until its promise settles. */
  function trackMethods(owner: object | undefined, ...names: string[]): void {
    for (const name of names) {
      const methods = owner as Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined> | undefined;
      const real = methods?.[name];
      if (!methods || typeof real !== 'function') continue;
      methods[name] = function (this: unknown, ...args: unknown[]) {
        return control.track(real.apply(this, args), `${name}()`);
      };
    }
  }

  /** The same for the methods of a class, where this context has it. */
  function trackClass(className: string, ...names: string[]): void {
    trackMethods(globals[className]?.prototype, ...names);
  }

  /** Counts what an object does as pending until one of its events. */
  function trackEvents(target: EventTarget, ...types: string[]): void {
    void control.track(
      new Promise<void>((resolve) => {
        for (const type of types) target.addEventListener(type, () => resolve(), { once: true });
      }),
    );
  }

  const bodies = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'];
  trackMethods(globalThis, 'fetch', 'createImageBitmap');
  trackClass('Response', ...bodies);
  trackClass('Blob', ...bodies);
  trackClass('HTMLImageElement', 'decode');
  trackClass('FontFace', 'load');
  trackClass('FontFaceSet', 'load');
  trackClass('OffscreenCanvas', 'convertToBlob');
  control.whenComplete(() => {
    trackClass('SubtleCrypto', ...['decrypt', 'deriveBits', 'deriveKey', 'digest', 'encrypt', 'exportKey']);
    trackClass('SubtleCrypto', ...['generateKey', 'importKey', 'sign', 'unwrapKey', 'verify', 'wrapKey']);
    trackClass('CacheStorage', 'delete', 'has', 'keys', 'match', 'open');
    trackClass('Cache', 'add', 'addAll', 'delete', 'keys', 'match', 'matchAll', 'put');
  });
  trackMethods(WebAssembly, 'compile', 'compileStreaming', 'instantiate', 'instantiateStreaming');

  if (typeof XMLHttpRequest !== 'undefined') {
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      trackEvents(this, 'loadend');
      send.call(this, body);
    };
  }

  if (typeof FileReader !== 'undefined') {
    for (const name of ['readAsArrayBuffer', 'readAsBinaryString', 'readAsDataURL', 'readAsText'] as const) {
      const read = FileReader.prototype[name];
      FileReader.prototype[name] = function (this: FileReader, ...args: [Blob]) {
        read.apply(this, args);
        trackEvents(this, 'loadend');
      };
    }
  }

  // Every request of a data base is an object that tells its end.
  for (const className of ['IDBFactory', 'IDBObjectStore', 'IDBIndex']) {
    const prototype = globals[className]?.prototype as Record<string, unknown> | undefined;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype ?? {}))) {
      if (typeof value !== 'function' || name === 'constructor') continue;
      prototype![name] = function (this: unknown, ...args: unknown[]) {
        const request = (value as (...given: unknown[]) => unknown).apply(this, args);
        if (request instanceof IDBRequest) trackEvents(request, 'success', 'error', 'blocked');
        return request;
      };
    }
  }

  if (typeof HTMLCanvasElement !== 'undefined') {
    const toBlob = HTMLCanvasElement.prototype.toBlob;
    HTMLCanvasElement.prototype.toBlob = function (callback, ...format) {
      let done = () => {};
      void control.track(new Promise<void>((resolve) => (done = resolve)));
      const called = (blob: Blob | null) => {
        done();
        callback(blob);
      };
      try {
        toBlob.call(this, called, ...format);
      } catch (error) {
        done();
        throw error;
      }
    };
  }
}
