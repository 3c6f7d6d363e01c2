import type { Control } from './control.js';

/**
 * Work that the browser does in real time takes no virtual time: the clock waits for answers from
 * the network, decoded pictures and loaded fonts that the page asked for.
 */
export function installPendingWork(control: Control): void {
  /** Makes every call of an asynchronous method count as pending until its promise settles. */
  function trackMethod(owner: object, name: string): void {
    const methods = owner as Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>;
    const real = methods[name];
    if (typeof real !== 'function') return;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      return control.track(real.apply(this, args));
    };
  }

  trackMethod(globalThis, 'fetch');
  trackMethod(globalThis, 'createImageBitmap');
  for (const name of ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text']) {
    trackMethod(Response.prototype, name);
    trackMethod(Blob.prototype, name);
  }
  trackMethod(HTMLImageElement.prototype, 'decode');
  trackMethod(FontFace.prototype, 'load');
  trackMethod(FontFaceSet.prototype, 'load');

  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    void control.track(
      new Promise<void>((resolve) => this.addEventListener('loadend', () => resolve(), { once: true })),
    );
    send.call(this, body);
  };
}
