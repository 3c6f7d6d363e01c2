import type { Control } from './control.js';

/** The caret of a focused field blinks by real time. Here it stands still, where the style can say so, or is not drawn. */
export function installCaret(_control: Control): void {
  const [property, value] = CSS.supports('caret-animation', 'manual')
    ? ['caret-animation', 'manual']
    : ['caret-color', 'transparent'];
  globalThis.addEventListener(
    'focusin',
    ({ target }) => {
      if (!(target instanceof HTMLElement)) return;
      // A field may also lie in a shadow tree below the element that we are told of.
      const isField = target.matches('input, textarea') || target.isContentEditable || target.localName.includes('-');
      if (isField) target.style.setProperty(property, value, 'important');
    },
    true,
  );
}
