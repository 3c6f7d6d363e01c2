import type { Control } from './control.js';

/**
 * The browser shows the content of a transferred canvas (`transferControlToOffscreen`) at a time of its own choosing.
 * So the script that draws gets a separate canvas here, whose content is copied to the one in the page when a frame is
 * ready: frame n shows what was drawn for frame n.
 */
export function installCanvases(control: Control): void {
  if (typeof OffscreenCanvas === 'undefined') return;
  /** How many levels deep to search a message for canvases. */
  const DEPTH = 4;
  const drawnHere = new Map<number, OffscreenCanvas>();
  const ids = new WeakMap<OffscreenCanvas, number>();
  const realBitmap = createImageBitmap.bind(globalThis);
  const shown = new Map<number, CanvasRenderingContext2D>();

  function* canvasesIn(value: unknown, depth = DEPTH): Generator<OffscreenCanvas> {
    if (value instanceof OffscreenCanvas) yield value;
    else if (depth > 0 && (Array.isArray(value) || value instanceof Map || value instanceof Set))
      for (const each of value as Iterable<unknown>) yield* canvasesIn(each, depth - 1);
    else if (depth > 0 && typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null)
      if ((Object.getPrototypeOf(value) as object).constructor?.name === 'Object')
        for (const each of Object.values(value)) yield* canvasesIn(each, depth - 1);
  }

  control.canvases = {
    release: (message, transfer) => {
      if (!transfer.some((each) => each instanceof OffscreenCanvas && ids.has(each))) return [];
      const given = [...canvasesIn(message)].map((canvas) => (transfer.includes(canvas) ? ids.get(canvas) : undefined));
      for (const id of given) if (id !== undefined) drawnHere.delete(id);
      return given;
    },
    adopt: (message, given) => {
      for (const [index, canvas] of [...canvasesIn(message)].entries()) {
        const id = given[index];
        if (id === undefined) continue;
        ids.set(canvas, id);
        drawnHere.set(id, canvas);
      }
    },
    show: (id, picture) => {
      const context = shown.get(id);
      if (!context) return;
      const { canvas } = context;
      if (canvas.width !== picture.width) canvas.width = picture.width;
      if (canvas.height !== picture.height) canvas.height = picture.height;
      context.globalCompositeOperation = 'copy';
      context.drawImage(picture, 0, 0);
    },
    showOwn: () => {
      for (const [id, canvas] of drawnHere)
        if (canvas.width > 0 && canvas.height > 0) control.canvases!.show(id, canvas);
    },
    pictures: async () => {
      const pictures: [number, ImageBitmap][] = [];
      for (const [id, canvas] of drawnHere) {
        // A canvas of width or height 0 has no picture.
        await realBitmap(canvas).then(
          (picture) => pictures.push([id, picture]),
          () => {},
        );
      }
      return pictures;
    },
  };

  if (typeof HTMLCanvasElement === 'undefined') return;
  const { prototype } = HTMLCanvasElement;

  const getContext = prototype.getContext as (this: HTMLCanvasElement, ...args: unknown[]) => RenderingContext | null;
  const realTransfer = prototype.transferControlToOffscreen;

  const transferred = new WeakSet<HTMLCanvasElement>();
  const withContext = new WeakSet<HTMLCanvasElement>();
  let lastId = 0;

  prototype.getContext = function (this: HTMLCanvasElement, ...args: unknown[]) {
    if (transferred.has(this))
      throw new DOMException(
        'Cannot get context from a canvas that has transferred its control to offscreen.',
        'InvalidStateError',
      );
    const context = getContext.apply(this, args);
    if (context) withContext.add(this);
    return context;
  } as typeof prototype.getContext;

  prototype.transferControlToOffscreen = function (this: HTMLCanvasElement) {
    // The browser throws the right error.
    if (withContext.has(this)) return realTransfer.call(this);
    if (transferred.has(this))
      throw new DOMException('Cannot transfer control from a canvas for more than one time.', 'InvalidStateError');
    const canvas = new OffscreenCanvas(this.width, this.height);
    const context = getContext.call(this, '2d') as CanvasRenderingContext2D;
    transferred.add(this);
    ids.set(canvas, ++lastId);
    drawnHere.set(lastId, canvas);
    shown.set(lastId, context);
    return canvas;
  };
}
