import type { Protocol } from 'puppeteer-core';

/**
 * The shadow trees in a document that came with its markup: no script has made them, and no script
 * can find those that are closed. Numbers of their roots for the protocol.
 */
export function shadowRootsIn(node: Protocol.DOM.Node): number[] {
  const found: number[] = [];
  const visit = ({ nodeName, children, shadowRoots }: Protocol.DOM.Node) => {
    for (const root of shadowRoots ?? []) {
      // Of what the browser makes for itself, a marquee alone is moved by an animation.
      if (root.shadowRootType === 'user-agent' && nodeName !== 'MARQUEE') continue;
      found.push(root.backendNodeId);
      visit(root);
    }
    // Documents in frames are asked by themselves.
    for (const child of children ?? []) visit(child);
  };
  visit(node);
  return found;
}
