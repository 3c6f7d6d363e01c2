import type { Control } from './control.js';

/** The caret of a focused field blinks in real time. Stops it where CSS allows that, and hides it otherwise. */
export function installCaret(_control: Control): void {
  const [property, value] = CSS.supports('caret-animation', 'manual')
    ? ['caret-animation', 'manual']
    : ['caret-color', 'transparent'];
  globalThis.addEventListener(
    'focusin',
    ({ target }) => {
      if (!(target instanceof HTMLElement)) return;
      // The field may be in a shadow tree, of which the event names only the host element.
      const isField = target.matches('input, textarea') || target.isContentEditable || target.localName.includes('-');
      if (isField) target.style.setProperty(property, value, 'important');
    },
    true,
  );
}
