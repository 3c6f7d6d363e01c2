/** One element of a page, as far as it can be seen: enough to name it and to tell two states apart. */
export interface ElementState {
  /** A short CSS path such as `main > div#clock`. */
  name: string;
  /** Left, top, right and bottom in CSS pixels of the view. */
  box: [number, number, number, number];
  /** Its own text, and the computed style that animations change most. */
  looks: Record<string, string>;
}

/**
 * What is in the page now, in document order: sent into the page as its source text, so it is
 * complete in itself. At most `limit` elements are told.
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
