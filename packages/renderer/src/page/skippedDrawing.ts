import type { Control } from './control.js';

/**
 * What WebGL draws to the screen is discarded when the next frame starts, unless the page preserves it
 * (`preserveDrawingBuffer`). It takes most of the time, so it is skipped in frames that nobody sees. Drawing into
 * textures is done, since they may be used later, and so is drawing that is read. If skipped drawing is needed after
 * all, the page must be reopened and brought to this frame with all its drawing.
 *
 * Normally the browser ends a frame, and clears the canvas, when it draws the page. If it does not draw, that is done
 * here.
 */
export function installSkippedDrawing(control: Control): void {
  type AnyContext = WebGLRenderingContext | WebGL2RenderingContext;
  type Methods = Record<string, ((this: unknown, ...args: unknown[]) => unknown) | undefined>;
  /** Canvases that lack the drawing of the last frame, because it was skipped. */
  const incomplete = new Set<HTMLCanvasElement>();
  const isRead = new WeakSet<HTMLCanvasElement>();
  /** Canvases that have the drawing of a frame that the browser has not ended. */
  const unfinished = new WeakMap<HTMLCanvasElement, { gl: AnyContext; frame: number }>();
  const preserving = new WeakMap<AnyContext, boolean>();
  let wasMissedDrawingRead = false;

  const isNeeded = () => control.frameUse !== 'undrawn' || control.pendingSnapshots > 0;

  control.missesDrawing = () => wasMissedDrawingRead || (isNeeded() && incomplete.size > 0);

  control.noteCanvasRead = (source) => {
    if (source instanceof HTMLCanvasElement) {
      isRead.add(source);
      wasMissedDrawingRead ||= incomplete.has(source);
      endFrame(source);
      return;
    }
    // It may be a canvas of another document.
    const { nodeName, ownerDocument } = (source ?? {}) as Partial<Node>;
    const realm = nodeName === 'CANVAS' ? (ownerDocument?.defaultView as unknown) : undefined;
    const owner = (realm as Record<symbol, Control | undefined> | undefined)?.[control.key];
    if (owner !== control) owner?.noteCanvasRead(source);
  };

  function keepsDrawing(gl: AnyContext): boolean {
    let answer = preserving.get(gl);
    if (answer === undefined) {
      answer = gl.getContextAttributes()?.preserveDrawingBuffer !== false;
      preserving.set(gl, answer);
    }
    return answer;
  }

  /** Whether a context should carry out a draw call. */
  function shouldDraw(gl: AnyContext): boolean {
    const { canvas } = gl;
    if (!(canvas instanceof HTMLCanvasElement)) return true;
    if (control.frameUse === 'drawn' && !incomplete.has(canvas) && !unfinished.has(canvas)) return true;
    if (gl.getParameter(gl.FRAMEBUFFER_BINDING) !== null) return true;
    if (isNeeded()) incomplete.delete(canvas);
    if (!canvas.isConnected || keepsDrawing(gl)) return true;
    if (!isNeeded() && !isRead.has(canvas)) {
      incomplete.add(canvas);
      return false;
    }
    endFrame(canvas);
    if (control.frameUse !== 'drawn') unfinished.set(canvas, { gl, frame: control.frame });
    return true;
  }

  /** Clears a canvas that has the drawing of an earlier frame, as the browser does after it has shown a frame. */
  function endFrame(canvas: HTMLCanvasElement): void {
    const last = unfinished.get(canvas);
    if (!last || last.frame === control.frame) return;
    unfinished.delete(canvas);
    const { gl } = last;
    const gl2 = 'drawBuffers' in gl ? gl : undefined;
    const limits = [gl.SCISSOR_TEST, ...(gl2 ? [gl2.RASTERIZER_DISCARD] : [])].filter((name) => gl.isEnabled(name));
    const color = gl.getParameter(gl.COLOR_CLEAR_VALUE) as Float32Array;
    const colorMask = gl.getParameter(gl.COLOR_WRITEMASK) as [boolean, boolean, boolean, boolean];
    const depth = gl.getParameter(gl.DEPTH_CLEAR_VALUE) as number;
    const depthMask = gl.getParameter(gl.DEPTH_WRITEMASK) as boolean;
    const stencil = gl.getParameter(gl.STENCIL_CLEAR_VALUE) as number;
    const stencilMask = gl.getParameter(gl.STENCIL_WRITEMASK) as number;
    const backStencilMask = gl.getParameter(gl.STENCIL_BACK_WRITEMASK) as number;
    const target = gl2?.DRAW_FRAMEBUFFER ?? gl.FRAMEBUFFER;
    const framebuffer = gl.getParameter(gl.FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    if (framebuffer) gl.bindFramebuffer(target, null);
    const hasNoBuffer = gl2?.getParameter(gl2.DRAW_BUFFER0) === gl.NONE;
    if (hasNoBuffer) gl2?.drawBuffers([gl.BACK]);
    for (const name of limits) gl.disable(name);
    gl.clearColor(0, 0, 0, 0);
    gl.colorMask(true, true, true, true);
    gl.clearDepth(1);
    gl.depthMask(true);
    gl.clearStencil(0);
    gl.stencilMask(0xffffffff);
    control.isInternal = true;
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    control.isInternal = false;
    gl.clearColor(color[0]!, color[1]!, color[2]!, color[3]!);
    gl.colorMask(...colorMask);
    gl.clearDepth(depth);
    gl.depthMask(depthMask);
    gl.clearStencil(stencil);
    gl.stencilMaskSeparate(gl.FRONT, stencilMask);
    gl.stencilMaskSeparate(gl.BACK, backStencilMask);
    for (const name of limits) gl.enable(name);
    if (hasNoBuffer) gl2?.drawBuffers([gl.NONE]);
    if (framebuffer) gl.bindFramebuffer(target, framebuffer);
  }

  /** Runs a function before the methods of a prototype. If it returns false, the method is not called. */
  function intercept(owner: unknown, names: string[], run: (self: unknown, args: unknown[]) => unknown): void {
    const methods = owner as Methods;
    for (const name of names) {
      const real = methods[name];
      if (!real) continue;
      methods[name] = function (this: unknown, ...args: unknown[]) {
        return !control.isInternal && run(this, args) === false ? undefined : real.apply(this, args);
      };
    }
  }

  const draw = (gl: unknown) => shouldDraw(gl as AnyContext);
  const readSelf = (canvas: unknown) => control.noteCanvasRead(canvas);
  const readArguments = (_: unknown, args: unknown[]) => args.forEach(control.noteCanvasRead);
  const readScreen = (context: unknown) => {
    const gl = context as AnyContext;
    const target = 'READ_FRAMEBUFFER_BINDING' in gl ? gl.READ_FRAMEBUFFER_BINDING : gl.FRAMEBUFFER_BINDING;
    if (gl.getParameter(target) === null) control.noteCanvasRead(gl.canvas);
  };

  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    intercept(prototype, ['clear', 'clearBufferfv', 'clearBufferiv', 'clearBufferuiv', 'clearBufferfi'], draw);
    intercept(prototype, ['drawArrays', 'drawElements', 'drawRangeElements'], draw);
    intercept(prototype, ['drawArraysInstanced', 'drawElementsInstanced', 'blitFramebuffer'], draw);
    intercept(prototype, ['readPixels', 'copyTexImage2D', 'copyTexSubImage2D', 'copyTexSubImage3D'], readScreen);
    intercept(prototype, ['blitFramebuffer'], readScreen);
    intercept(prototype, ['texImage2D', 'texSubImage2D', 'texImage3D', 'texSubImage3D'], readArguments);
    // These report to the page what is drawn in between.
    intercept(prototype, ['beginQuery', 'beginTransformFeedback'], (gl) =>
      control.noteCanvasRead((gl as AnyContext).canvas),
    );
  }
  for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D])
    intercept(prototype, ['drawImage', 'createPattern'], readArguments);
  intercept(HTMLCanvasElement.prototype, ['toDataURL', 'toBlob', 'captureStream'], readSelf);
  intercept(globalThis, ['createImageBitmap'], readArguments);
  globalThis.VideoFrame &&= new Proxy(VideoFrame, {
    construct(target, args: ConstructorParameters<typeof VideoFrame>, newTarget: new () => unknown): VideoFrame {
      control.noteCanvasRead(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
}
