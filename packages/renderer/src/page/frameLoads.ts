import type { Control } from './control.js';

/**
 * A frame that comes while the page runs loads in real time, in a thread or process that may be another one. The page
 * hears of it when nothing else is left of this moment, and of several in the order in which they stand there.
 */
export function installFrameLoads(control: Control): void {
  const held = new Set<HTMLElement>();
  const loaded = new WeakSet<HTMLElement>();

  function hold(event: Event): void {
    const { target: frame } = event;
    if (!event.isTrusted || !(frame instanceof HTMLIFrameElement)) return;
    const isFirst = !loaded.has(frame);
    loaded.add(frame);
    // While the page loads, its own load waits for this. The first empty document is there at once.
    const isEmpty = isFirst && frame.contentDocument?.URL === 'about:blank';
    if (!control.started || isEmpty) return;
    event.stopImmediatePropagation();
    held.add(frame);
  }
  document.addEventListener('load', hold, true);
  control.onRoot((root) => root.addEventListener('load', hold, true));

  control.holdsFrames = () => held.size > 0;
  control.tellOfFrames = async () => {
    const frames = [...held].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_PRECEDING ? 1 : -1));
    held.clear();
    for (const frame of frames) await control.inTask(() => void frame.dispatchEvent(new Event('load')));
  };
}
