import type { CDPSession, Protocol } from './Connection.js';
import { CONTROL_KEY } from '../page/index.js';

/** Brings the shadow trees of a document that scripts cannot find under the control of the clock. */
export async function adoptShadowRoots(send: CDPSession['send'], contextId: number): Promise<void> {
  const { result } = await send('Runtime.evaluate', { contextId, expression: 'document' });
  if (!result.objectId) return;
  const { node } = await send('DOM.describeNode', { objectId: result.objectId, depth: -1, pierce: true });
  const adoptions = shadowRootsIn(node).map(async (backendNodeId) => {
    const { object } = await send('DOM.resolveNode', { backendNodeId, executionContextId: contextId });
    await send('Runtime.callFunctionOn', {
      objectId: object.objectId!,
      functionDeclaration: `function () { globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})].adoptShadowRoot(this) }`,
    });
  });
  await Promise.all(adoptions);
}

/**
 * Finds the shadow trees that came with a document's markup: no script has created them, and no script can find those
 * that are closed. Returns the node ids of their roots.
 */
function shadowRootsIn(node: Protocol.DOM.Node): number[] {
  const found: number[] = [];
  const visit = ({ nodeName, children, shadowRoots }: Protocol.DOM.Node) => {
    for (const root of shadowRoots ?? []) {
      // Of the browser's own shadow trees, only that of a marquee contains an animation.
      if (root.shadowRootType === 'user-agent' && nodeName !== 'MARQUEE') continue;
      found.push(root.backendNodeId);
      visit(root);
    }
    // Documents in frames are searched separately.
    for (const child of children ?? []) visit(child);
  };
  visit(node);
  return found;
}
