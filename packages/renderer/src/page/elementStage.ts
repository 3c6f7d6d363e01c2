/** Where `elementStage` is found in our world beside the page. */
export const STAGE_KEY = 'genlockStage';

/** What the page is drawn with. Reasons are ends of a sentence; the empty string is none. */
export interface ElementStage {
  /** What it is drawn into. */
  canvas?: HTMLCanvasElement;
  /** What has become of the last drawing: the empty string once it is there, undefined until then; or why it is not. */
  outcome: string | undefined;
  /**
   * Puts what the page shows into the canvas, to be drawn in the browser's next frame. Returns the
   * reason where this moment of the page cannot be drawn there: then the page is as if we were not.
   */
  prepare(): string;
  /** Leaves the page as if we were not. */
  leave(): void;
}

/**
 * Draws the page into a canvas (HTML-in-canvas, `drawElementImage`). The body gets a closed shadow
 * tree with a slot, which is moved into the canvas and out of it again: the page's own tree, its
 * selectors and scripts see no change, and animations go on. Runs in a world beside the page from
 * before its first script; sent there as source text, like everything in this folder.
 */
export function elementStage(width: number, height: number, key: string): void {
  // Documents in frames are no part of this.
  if (self !== top) return;

  interface DrawingCanvas extends HTMLCanvasElement {
    onpaint: (() => void) | null;
    requestPaint(): void;
  }
  type DrawingContext = CanvasRenderingContext2D & {
    drawElementImage(element: Element, x: number, y: number): void;
  };
  type MovingNode = Node & { moveBefore(node: Node, before: Node | null): void };

  /** What the page shows and the API does not draw, or not as the page shows it. */
  const UNABLE = new Set(['iframe', 'frame', 'fencedframe', 'object', 'embed', 'video', 'canvas']);
  /** What <html> and <body> may not have: they stay outside of what is drawn. Values where they have it not. */
  const PLAIN: readonly (readonly [property: string, value: string])[] = [
    ['opacity', '1'],
    ['filter', 'none'],
    ['transform', 'none'],
    ['translate', 'none'],
    ['rotate', 'none'],
    ['scale', 'none'],
    ['perspective', 'none'],
    ['clip-path', 'none'],
    ['mask-image', 'none'],
    ['mix-blend-mode', 'normal'],
    ['zoom', '1'],
    ['container-type', 'normal'],
    ['-webkit-box-reflect', 'none'],
  ];
  /** Properties that lay out and paint a box, and are not inherited: the twins of <html> and <body> have them, too. */
  const BOX =
    /^((min-|max-)?(width|height)|display|position|top|right|bottom|left|box-sizing|(margin|padding|background|flex|grid|align|justify|border-(top|right|bottom|left))-.*|overflow-[xy]|(row|column)-gap|column-.*|counter-.*|text-decoration-.*|box-shadow|z-index)$/;
  const BACKGROUND = /^background-/;

  /** Whether a picture was loaded that scripts may not read: drawing would leave it out. */
  let foreign = '';
  const note = (entries: PerformanceEntryList) => {
    for (const { name, initiatorType, responseStatus } of entries as PerformanceResourceTiming[]) {
      const isPicture = ['img', 'image', 'css', 'use', 'input', 'other'].includes(initiatorType);
      if (isPicture && responseStatus === 0 && /^https?:/.test(name) && new URL(name).origin !== location.origin)
        foreign ||= name;
    }
  };
  const loads = new PerformanceObserver((list) => note(list.getEntries()));
  loads.observe({ type: 'resource', buffered: true });

  function set(body: HTMLElement): ElementStage {
    const root = body.attachShadow({ mode: 'closed' });
    // In ways that no rules of the page (Content-Security-Policy) are about.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      canvas { position: fixed; left: 0; top: 0; width: ${width}px; height: ${height}px; z-index: 2147483647 }
      #view { position: relative; width: ${width}px; height: ${height}px; overflow: hidden }
      #ground { position: absolute; left: 0; top: 0; z-index: -1; min-width: 100%; min-height: 100%; box-sizing: border-box }
      #size { position: absolute; left: 0; top: 0; visibility: hidden }`);
    root.adoptedStyleSheets = [sheet];
    const add = (parent: Node, id: string, name = 'div') => {
      const element = document.createElement(name);
      element.id = id;
      return parent.appendChild(element);
    };
    const slot = add(root, 'slot', 'slot');
    const canvas = add(root, 'canvas', 'canvas') as DrawingCanvas;
    canvas.toggleAttribute('layoutsubtree', true);
    const view = add(canvas, 'view');
    const ground = add(view, 'ground');
    const htmlTwin = add(view, 'html');
    const bodyTwin = add(htmlTwin, 'body');
    const size = add(root, 'size');
    const context = canvas.getContext('2d', { alpha: false }) as DrawingContext;
    let inside = true;
    let wanted = false;
    const texts = new Map<HTMLElement, string>();

    const show = (isInside: boolean) => {
      if (isInside === inside) return;
      inside = isInside;
      // Not by what is inherited, nor by what takes the boxes away: animations would start again. Points go through it.
      canvas.style.clipPath = isInside ? '' : 'inset(100%)';
      // Moved as it is, the slot keeps the state of all that is in it.
      if (isInside) (bodyTwin as unknown as MovingNode).moveBefore(slot, null);
      else (root as unknown as MovingNode).moveBefore(slot, canvas);
      if (!isInside) size.style.cssText = '';
    };

    /** Lays the page out in the canvas as it would be without: between boxes like those of <html> and <body>. */
    const mirror = () => {
      const copy = (from: HTMLElement, properties: RegExp, to: HTMLElement, more: string) => {
        const values = [...from.computedStyleMap()].filter(([name]) => properties.test(name));
        const text = values.map(([name, list]) => `${name}: ${[...list].map(String).join(', ')};`).join(' ') + more;
        if (texts.get(to) === text) return;
        texts.set(to, text);
        to.style.cssText = text;
      };
      const html = document.documentElement;
      const htmlStyle = getComputedStyle(html);
      // What overflows, and the background, are the view's where <html> or else <body> says so.
      const bodyClips = htmlStyle.overflowX !== 'visible' || htmlStyle.overflowY !== 'visible';
      const ownGround = htmlStyle.backgroundImage !== 'none' || htmlStyle.backgroundColor !== 'rgba(0, 0, 0, 0)';
      const rooted = htmlStyle.display === 'block' ? 'display: flow-root;' : '';
      copy(html, BOX, htmlTwin, `overflow: visible; background: none; ${rooted}`);
      copy(body, BOX, bodyTwin, (bodyClips ? '' : 'overflow: visible;') + (ownGround ? '' : 'background: none'));
      // It goes on without end, but lies where <html> is.
      const { left, top, right, bottom } = htmlTwin.getBoundingClientRect();
      const padding = [top, Math.max(0, width - right), Math.max(0, height - bottom), left];
      const place = `padding: ${padding.map((side) => `${side}px`).join(' ')}; width: ${right}px; height: ${bottom}px;`;
      const ends = 'background-origin: content-box; background-clip: border-box';
      copy(ownGround ? html : body, BACKGROUND, ground, place + ends);
      // A script may scroll as far as it could without us; one that does is seen.
      size.style.cssText = `width: ${view.scrollWidth}px; height: ${view.scrollHeight}px`;
    };

    const refusal = (): string => {
      note(loads.takeRecords());
      if (document.body !== body) return 'it has another <body> than at first';
      if (foreign !== '') return `a picture of another origin may be in it: ${foreign}`;
      if (scrollX !== 0 || scrollY !== 0) return 'it is scrolled';
      if ((document as { activeViewTransition?: unknown }).activeViewTransition) return 'a view transition is going on';
      if (document.querySelector(':modal, :popover-open, :fullscreen')) return 'something is in its top layer';
      for (const element of [document.documentElement, body]) {
        const style = getComputedStyle(element);
        const odd = PLAIN.find(([property, plain]) => !['', plain].includes(style.getPropertyValue(property)));
        if (odd) return `its <${element.localName}> has a ${odd[0]}`;
        for (const pseudo of ['::before', '::after']) {
          const { content } = getComputedStyle(element, pseudo);
          if (content !== 'none' && content !== 'normal') return `its <${element.localName}> has a ${pseudo}`;
        }
      }
      for (const child of document.documentElement.children)
        if (child !== body && child.checkVisibility()) return `a <${child.localName}> is beside its <body>`;
      const box = canvas.getBoundingClientRect();
      if (box.left !== 0 || box.top !== 0 || box.width !== width || box.height !== height)
        return 'its <body> does not let a canvas cover the view';
      return unableIn(document);
    };

    const unableIn = (tree: Document | ShadowRoot): string => {
      for (const element of tree.querySelectorAll('*')) {
        if (UNABLE.has(element.localName) && element.checkVisibility())
          return `it has an element <${element.localName}>`;
        if (getComputedStyle(element).transformStyle === 'preserve-3d')
          return `a <${element.localName}> has the transform-style preserve-3d`;
        const found = element.shadowRoot && unableIn(element.shadowRoot);
        if (found) return found;
      }
      return '';
    };

    canvas.onpaint = () => {
      if (!wanted) return;
      wanted = false;
      try {
        context.fillStyle = 'white';
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawElementImage(view, 0, 0);
        stage.outcome = '';
      } catch (error) {
        stage.outcome = `the browser cannot draw it: ${String(error)}`;
      }
    };
    show(false);

    const stage: ElementStage = {
      canvas,
      outcome: undefined,
      prepare() {
        const reason = refusal();
        if (reason !== '') {
          show(false);
          return reason;
        }
        const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
        if (canvas.width !== across) canvas.width = across;
        if (canvas.height !== down) canvas.height = down;
        show(true);
        mirror();
        wanted = true;
        stage.outcome = undefined;
        canvas.requestPaint();
        return '';
      },
      leave: () => show(false),
    };
    return stage;
  }

  const without = (reason: string): ElementStage => ({ outcome: reason, prepare: () => reason, leave: () => {} });
  const put = (stage: ElementStage) => Object.assign(globalThis, { [key]: stage });
  if (!('requestPaint' in HTMLCanvasElement.prototype) || !('moveBefore' in Element.prototype)) {
    put(without('this browser has no HTML-in-canvas'));
    return;
  }
  put(without('it has no <body>'));
  const begin = (): boolean => {
    if (!document.body) return false;
    try {
      put(set(document.body));
    } catch (error) {
      put(without(`its <body> cannot have a tree of ours: ${String(error)}`));
    }
    return true;
  };
  if (begin()) return;
  // Before anything in the body is laid out.
  const observer = new MutationObserver(() => {
    if (begin()) observer.disconnect();
  });
  observer.observe(document, { childList: true, subtree: true });
}
