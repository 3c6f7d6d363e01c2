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

  /** Reads one pixel, which is there when all is drawn: `finish` and fences do not wait in Chromium. */
  const readPixel = (gl: AnyContext) => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);

  const finish = (gl: WebGLRenderingContext) => {
    const bound = gl.getParameter(gl.FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    if (bound) gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    readPixel(gl);
    if (bound) gl.bindFramebuffer(gl.FRAMEBUFFER, bound);
  };

  const finish2 = (gl: WebGL2RenderingContext) => {
    const bound = gl.getParameter(gl.READ_FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    const buffer = gl.getParameter(gl.PIXEL_PACK_BUFFER_BINDING) as WebGLBuffer | null;
    const skipped = [gl.PACK_SKIP_PIXELS, gl.PACK_SKIP_ROWS].map(
      (name) => [name, Number(gl.getParameter(name))] as const,
    );
    if (bound) gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
    if (buffer) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    for (const [name, count] of skipped) if (count > 0) gl.pixelStorei(name, 0);
    const source = Number(gl.getParameter(gl.READ_BUFFER));
    if (source === gl.NONE) gl.readBuffer(gl.BACK);
    readPixel(gl);
    if (source === gl.NONE) gl.readBuffer(source);
    for (const [name, count] of skipped) if (count > 0) gl.pixelStorei(name, count);
    if (buffer) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    if (bound) gl.bindFramebuffer(gl.READ_FRAMEBUFFER, bound);
  };

  control.usesWebGl = () => isUsed;

  control.finishDrawing = () => {
    control.isOurs = true;
    for (const reference of contexts) {
      const context = reference.deref();
      if (!context) contexts.delete(reference);
      else if (context.isContextLost()) continue;
      else if ('readBuffer' in context) finish2(context);
      else finish(context);
    }
    control.isOurs = false;
  };
}
