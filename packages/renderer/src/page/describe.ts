/** The visible state of one element: enough to name the element and to tell two states apart. */
export interface ElementState {
  /** A short CSS path such as `main > div#clock`. */
  name: string;
  /** Left, top, right and bottom in CSS pixels of the view. */
  box: [number, number, number, number];
  /** Its own text, and the computed styles that animations change most often. */
  looks: Record<string, string>;
}

/**
 * Describes the elements now in the page, in document order, at most `limit` of them. Sent into the page as source
 * text, so it is self-contained.
 */
export function describePage(limit: number): ElementState[] {
  const name = (element: Element): string => {
    const own = element.localName + (element.id ? `#${element.id}` : '');
    const [first] = element.classList;
    return (element.id || !first ? own : `${own}.${first}`).slice(0, 100);
  };
  const found: ElementState[] = [];
  const visit = (root: Document | ShadowRoot, path: string) => {
    for (const element of root.querySelectorAll('*')) {
      if (found.length >= limit) return;
      const { left, top, right, bottom } = element.getBoundingClientRect();
      if (right > left && bottom > top) {
        const parent = element.parentElement ? `${name(element.parentElement)} > ` : path;
        const style = getComputedStyle(element);
        const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        const text = texts.map((node) => node.nodeValue ?? '').join('');
        found.push({
          name: parent + name(element),
          box: [left, top, right, bottom],
          looks: {
            text: text.trim().slice(0, 80),
            transform: style.transform,
            opacity: style.opacity,
            color: style.color,
            background: style.backgroundColor,
          },
        });
      }
      if (element.shadowRoot) visit(element.shadowRoot, `${name(element)} > `);
    }
  };
  visit(document, '');
  return found;
}
