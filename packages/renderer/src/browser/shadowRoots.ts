import type { CDPSession, Protocol } from './Connection.js';
import { CONTROL_KEY } from '../page/index.js';

/** Brings the shadow trees of a document that scripts cannot find under the clock. */
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
 * The shadow trees in a document that came with its markup: no script has made them, and no script
 * can find those that are closed. Numbers of their roots for the protocol.
 */
function shadowRootsIn(node: Protocol.DOM.Node): number[] {
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
