import type { Control } from './control.js';

/**
 * What WebGL is told to draw is drawn later, by another thread of the browser. A frame is ready when that is done:
 * those that are passed without being drawn would pile up there, and the first one that is drawn would wait for all.
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
      // A pixel is there when all is drawn: `finish` and fences do not wait in Chromium.
      else if (!context.isContextLost()) control.readWebGl(context, 1, 1, pixel);
    }
    control.isInternal = false;
  };
}
