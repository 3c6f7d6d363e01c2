import type { Control } from './control.js';

/**
 * An iframe that is added while the page runs loads in real time, perhaps in another thread or process. Its `load` event
 * fires when nothing else is left to do at the moment; those of several iframes fire in document order.
 */
export function installFrameLoads(control: Control): void {
  const held = new Set<HTMLElement>();
  const loaded = new WeakSet<HTMLElement>();

  function hold(event: Event): void {
    const { target: frame } = event;
    if (!event.isTrusted || !(frame instanceof HTMLIFrameElement)) return;
    const isFirst = !loaded.has(frame);
    loaded.add(frame);
    // While the page loads, its own `load` waits for this event. An initial empty document loads synchronously.
    const isEmpty = isFirst && frame.contentDocument?.URL === 'about:blank';
    if (!control.started || isEmpty) return;
    event.stopImmediatePropagation();
    held.add(frame);
  }
  document.addEventListener('load', hold, true);
  control.onRoot((root) => root.addEventListener('load', hold, true));

  control.hasLoadedFrames = () => held.size > 0;
  control.fireFrameLoads = async () => {
    const frames = [...held].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_PRECEDING ? 1 : -1));
    held.clear();
    for (const frame of frames) await control.inTask(() => void frame.dispatchEvent(new Event('load')));
  };
}
