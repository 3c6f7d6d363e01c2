/**
 * Reads pixels of a WebGL canvas: so many columns and lines from the lower left corner, four bytes a pixel (RGBA), the
 * bottom line first. Blocks until drawing has finished. Leaves the state of the context as it was. Runs in the page,
 * and in an isolated world of it.
 */
export function readWebGl(
  gl: WebGLRenderingContext | WebGL2RenderingContext,
  columns: number,
  lines: number,
  pixels: Uint8Array,
): void {
  const gl2 = 'readBuffer' in gl ? gl : undefined;
  const target = gl2 ? gl2.READ_FRAMEBUFFER : gl.FRAMEBUFFER;
  const bound = gl.getParameter(gl2 ? gl2.READ_FRAMEBUFFER_BINDING : gl.FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
  const buffer = gl2 && (gl2.getParameter(gl2.PIXEL_PACK_BUFFER_BINDING) as WebGLBuffer | null);
  const plain: readonly (readonly [name: number, value: number])[] = [
    [gl.PACK_ALIGNMENT, 4],
    ...(gl2 ? ([gl2.PACK_ROW_LENGTH, gl2.PACK_SKIP_PIXELS, gl2.PACK_SKIP_ROWS] as const) : []).map(
      (name) => [name, 0] as const,
    ),
  ];
  const changed = plain
    .map(([name, value]) => [name, value, Number(gl.getParameter(name))] as const)
    .filter(([, value, present]) => present !== value);

  if (bound) gl.bindFramebuffer(target, null);
  if (buffer) gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, null);
  for (const [name, value] of changed) gl.pixelStorei(name, value);
  // Read only now: with another framebuffer bound, the result would refer to that instead of the canvas.
  const isHidden = gl2 && gl2.getParameter(gl2.READ_BUFFER) === gl2.NONE;
  if (isHidden) gl2.readBuffer(gl2.BACK);
  gl.readPixels(0, 0, columns, lines, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  if (isHidden) gl2.readBuffer(gl2.NONE);
  for (const [name, , present] of changed) gl.pixelStorei(name, present);
  if (buffer) gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, buffer);
  if (bound) gl.bindFramebuffer(target, bound);
}
