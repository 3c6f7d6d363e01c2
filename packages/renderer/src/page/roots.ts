import type { Control } from './control.js';

/** Knows the trees of elements of the document: its own and those of shadow roots that scripts attach. */
export function installRoots(control: Control): void {
  const roots = new Set<WeakRef<ShadowRoot>>();
  const hosts = new WeakSet<Element>();
  const watchers: ((root: ShadowRoot) => void)[] = [];
  /** Whether markup has come since the last search, which may have brought trees of its own. */
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
  control.onRoot = (watch) => void watchers.push(watch);

  control.adoptShadowRoot = (root) => {
    roots.add(new WeakRef(root));
    hosts.add(root.host);
    for (const watch of watchers) watch(root);
  };

  control.hidesRoots = () => {
    if (isUnsearched) return true;
    for (const root of control.roots()) {
      for (const marquee of root.querySelectorAll<HTMLElement>('marquee')) if (!hosts.has(marquee)) return true;
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
  // Beside the parser of a document, these alone make shadow trees of markup.
  for (const owner of [Element.prototype, ShadowRoot.prototype, Document]) {
    for (const name of ['setHTMLUnsafe', 'parseHTMLUnsafe']) {
      const parse = (owner as unknown as Record<string, unknown>)[name] as
        ((...args: unknown[]) => unknown) | undefined;
      if (!parse) continue;
      (owner as unknown as Record<string, unknown>)[name] = function (this: unknown, ...args: unknown[]) {
        isUnsearched = true;
        return parse.apply(this, args);
      };
    }
  }
}
