import type { Control } from './control.js';

/** Keeps track of the document's shadow roots. */
export function installRoots(control: Control): void {
  const roots = new Set<WeakRef<ShadowRoot>>();
  const hosts = new WeakSet<Element>();
  const documentMarquees = document.getElementsByTagNameNS('http://www.w3.org/1999/xhtml', 'marquee');
  const watchers: ((root: ShadowRoot) => void)[] = [];
  /** Whether markup, which may contain shadow roots, has been parsed since the last search. */
  let isUnsearched = true;
  document.addEventListener('DOMContentLoaded', () => {
    isUnsearched = true;
  });

  control.roots = function* () {
    yield document;
    for (const reference of roots) {
      const root = reference.deref();
      if (!root) roots.delete(reference);
      else if (root.isConnected) yield root;
    }
  };
  control.sheetsIn = ({ styleSheets, adoptedStyleSheets }) =>
    [...styleSheets, ...adoptedStyleSheets].filter((sheet) => sheet !== control.ownSheet);
  control.onRoot = (watch) => void watchers.push(watch);

  control.adoptShadowRoot = (root) => {
    roots.add(new WeakRef(root));
    hosts.add(root.host);
    for (const watch of watchers) watch(root);
  };

  control.hidesRoots = () => {
    if (isUnsearched) return true;
    for (const root of control.roots()) {
      // The live list of the document: searching a large document takes 0.1 ms in every step.
      const marquees = root === document ? documentMarquees : root.querySelectorAll<HTMLElement>('marquee');
      for (const marquee of marquees) if (!hosts.has(marquee)) return true;
    }
    return false;
  };
  control.rootsSearched = () => {
    isUnsearched = false;
  };

  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    control.adoptShadowRoot(root);
    return root;
  };
  // Apart from the document's parser, only these create shadow roots from markup.
  const parsers: [owner: object, name: string][] = [
    [Element.prototype, 'setHTMLUnsafe'],
    [ShadowRoot.prototype, 'setHTMLUnsafe'],
    [Document, 'parseHTMLUnsafe'],
  ];
  for (const [owner, name] of parsers as [Record<string, unknown>, string][]) {
    const parse = owner[name] as ((...args: unknown[]) => unknown) | undefined;
    if (!parse) continue;
    owner[name] = function (this: unknown, ...args: unknown[]) {
      isUnsearched = true;
      return parse.apply(this, args);
    };
  }
}
