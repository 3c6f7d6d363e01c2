/** The canvas that makes up everything visible on a page; or why there is none, as the end of a sentence. */
export type CoveringCanvas = HTMLCanvasElement | string;

/**
 * Finds the canvas that covers the view pixel for pixel, with nothing over it and no style that changes how it looks.
 * Everything else on the page must be invisible, whether it is over or under the canvas. Runs in an isolated world of
 * the page, for every frame. Sent there as source text, like everything in this folder.
 */
export function coveringCanvas(width: number, height: number): CoveringCanvas {
  /** Properties that change how an element looks, each with the values at which they do not. */
  const PLAIN: readonly (readonly [property: string, ...values: string[]])[] = [
    ['opacity', '1'],
    ['filter', 'none'],
    ['backdrop-filter', 'none'],
    ['transform', 'none'],
    ['translate', 'none'],
    ['rotate', 'none'],
    ['scale', 'none'],
    ['perspective', 'none'],
    ['clip-path', 'none'],
    ['clip', 'auto'],
    ['mask-image', 'none'],
    ['mask-border-source', 'none'],
    ['mix-blend-mode', 'normal'],
    ['zoom', '1'],
    ['border-radius', '0px'],
    ['-webkit-box-reflect', 'none'],
    // With a negative offset, the outline is drawn over the canvas.
    ['outline-style', 'none'],
  ];
  const differs = (style: CSSStyleDeclaration) =>
    PLAIN.find(([property, ...plain]) => {
      const value = style.getPropertyValue(property);
      return value !== '' && !plain.includes(value);
    })?.[0];
  const covers = ({ left, top, right, bottom }: DOMRect) => left <= 0 && top <= 0 && right >= width && bottom >= height;

  const visible = [...document.querySelectorAll('canvas')].filter((canvas) => canvas.checkVisibility());
  const [canvas] = visible;
  if (!canvas) return 'no canvas is visible';
  if (visible.length > 1) return 'more than one canvas is visible';
  const box = canvas.getBoundingClientRect();
  if (box.left !== 0 || box.top !== 0 || box.width !== width || box.height !== height) {
    return `its canvas measures ${box.width}x${box.height} at ${box.left},${box.top}: the view is ${width}x${height}`;
  }
  const ratio = devicePixelRatio;
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    return `its canvas has ${canvas.width}x${canvas.height} pixels: the view has ${width * ratio}x${height * ratio}`;
  }
  const own = getComputedStyle(canvas);
  if (own.visibility !== 'visible') return 'its canvas is hidden';
  const edges = ['top', 'right', 'bottom', 'left'].flatMap((side) => [`border-${side}-width`, `padding-${side}`]);
  const edge = edges.find((property) => own.getPropertyValue(property) !== '0px');
  if (edge !== undefined) return `its canvas has a ${edge}`;
  if (own.objectFit !== 'fill' || own.objectPosition !== '50% 50%')
    return 'its canvas has an object-fit or object-position';

  const above = new Set<Element>([canvas]);
  for (let element: Element | null = canvas; element; element = element.parentElement) {
    above.add(element);
    const style = element === canvas ? own : getComputedStyle(element);
    const property = differs(style);
    const name = element === canvas ? 'its canvas' : `<${element.localName}> around its canvas`;
    if (property !== undefined) return `${name} has a ${property}`;
    if (element === canvas) continue;
    // The overflow of <html> and <body> applies to the viewport.
    const clips = style.overflow !== 'visible' || style.contain !== 'none' || style.contentVisibility !== 'visible';
    const isRoot = element === document.documentElement || element === document.body;
    if (clips && !isRoot && !covers(element.getBoundingClientRect())) return `${name} clips it`;
    if (element.shadowRoot) return `${name} has a shadow tree`;
    for (const pseudo of ['::before', '::after']) {
      const { content } = getComputedStyle(element, pseudo);
      if (content !== 'none' && content !== 'normal') return `${name} has a ${pseudo}`;
    }
    for (const child of element.childNodes) {
      if (child.nodeType === Node.TEXT_NODE && child.nodeValue!.trim() !== '') return `there is text beside its canvas`;
    }
  }
  for (const element of document.querySelectorAll('*')) {
    if (above.has(element)) continue;
    const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    // An element without a box of its own may still have visible children, here or in a shadow tree.
    const open = element.shadowRoot !== null || (!seen && getComputedStyle(element).display === 'contents');
    if (seen || open) return `<${element.localName}> may be seen beside its canvas`;
  }
  if ((document as { activeViewTransition?: unknown }).activeViewTransition)
    return 'a view transition covers its canvas';
  return canvas;
}
