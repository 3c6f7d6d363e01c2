import type { Control } from './control.js';

/** Knows the trees of elements of the document: its own and those of shadow roots that scripts attach. */
export function installRoots(control: Control): void {
  const roots = new Set<WeakRef<ShadowRoot>>();
  const watchers: ((root: ShadowRoot) => void)[] = [];

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
    for (const watch of watchers) watch(root);
  };

  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    control.adoptShadowRoot(root);
    return root;
  };
}
