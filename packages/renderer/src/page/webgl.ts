import type { Control } from './control.js';

/**
 * WebGL calls are carried out later, by another thread of the browser. A frame is ready only when that has finished:
 * otherwise the drawing of undrawn frames would pile up, and the first drawn frame would have to wait for all of it.
 */
export function installWebGl(control: Control): void {
  type AnyCanvas = HTMLCanvasElement | OffscreenCanvas;
  type AnyContext = WebGLRenderingContext | WebGL2RenderingContext;
  type GetContext = (this: AnyCanvas, ...args: unknown[]) => RenderingContext | OffscreenRenderingContext | null;
  const contexts = new Set<WeakRef<AnyContext>>();
  const known = new WeakSet<object>();
  let isUsed = false;
  const pixel = new Uint8Array(4);

  const watch = (prototype: AnyCanvas) => {
    const getContext = prototype.getContext as GetContext;
    prototype.getContext = function (this: AnyCanvas, ...args: unknown[]) {
      const context = getContext.apply(this, args);
      if (context && 'readPixels' in context && !known.has(context)) {
        known.add(context);
        isUsed = true;
        contexts.add(new WeakRef(context));
      }
      return context;
    } as GetContext & typeof prototype.getContext;
  };
  if (typeof HTMLCanvasElement !== 'undefined') watch(HTMLCanvasElement.prototype);
  if (typeof OffscreenCanvas !== 'undefined') watch(OffscreenCanvas.prototype);

  control.usesWebGl = () => isUsed;

  control.finishDrawing = () => {
    control.isInternal = true;
    for (const reference of contexts) {
      const context = reference.deref();
      if (!context) contexts.delete(reference);
      // Reading a pixel waits for all drawing. In Chromium, `finish` and fences do not.
      else if (!context.isContextLost()) control.readWebGl(context, 1, 1, pixel);
    }
    control.isInternal = false;
  };
}
