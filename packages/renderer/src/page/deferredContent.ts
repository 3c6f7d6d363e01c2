import type { Control } from './control.js';

/**
 * The browser loads lazy pictures and frames, and lays out what has `content-visibility: auto`, once a frame of its
 * own has found that they can be seen. Where there are such, it is to make one before the picture.
 */
export function installDeferredContent(control: Control): void {
  const STYLED = '[style*="content-visibility"]';
  const loaded = new WeakSet<EventTarget>();

  function watch(root: Document | ShadowRoot): void {
    root.addEventListener('load', ({ target }) => target && loaded.add(target), true);
    root.addEventListener(
      'contentvisibilityautostatechange',
      () => {
        control.skipsLayout = true;
        control.observers.calls++;
      },
      true,
    );
  }
  watch(document);
  control.onRoot(watch);

  /** How many rules of a sheet have been looked at, and whether one of them leaves layout out. */
  const sheets = new WeakMap<CSSStyleSheet, { rules: number; skips: boolean }>();

  function isSkipping(rule: CSSRule): boolean {
    const { style, cssRules, styleSheet } = rule as CSSStyleRule & Partial<CSSImportRule>;
    if ((style as CSSStyleDeclaration | undefined)?.contentVisibility === 'auto') return true;
    if (styleSheet && skips(styleSheet)) return true;
    return [...((cssRules as CSSRuleList | undefined) ?? [])].some(isSkipping);
  }

  function skips(sheet: CSSStyleSheet): boolean {
    let rules: CSSRuleList;
    try {
      rules = sheet.cssRules;
    } catch {
      // Of another origin: what it does is seen when it has done it once.
      return false;
    }
    const known = sheets.get(sheet);
    if (known?.rules === rules.length) return known.skips;
    const found = [...rules].some(isSkipping);
    sheets.set(sheet, { rules: rules.length, skips: found });
    return found;
  }

  function skipsIn(root: Document | ShadowRoot): boolean {
    return control.sheetsIn(root).some(skips);
  }

  // The browser keeps the document's lists: to search a large one takes 0.1 ms, in every step.
  const images = document.images;
  const frames = document.getElementsByTagName('iframe');
  const isLazy = (element: HTMLImageElement | HTMLIFrameElement) =>
    element.loading === 'lazy' && (element instanceof HTMLIFrameElement ? !loaded.has(element) : !element.complete);

  control.hasDeferredContent = () => {
    control.skipsLayout ||= skipsIn(document) || document.querySelector(STYLED) !== null;
    if (control.skipsLayout || [...images].some(isLazy) || [...frames].some(isLazy)) return true;
    for (const root of control.roots()) {
      if (root === document) continue;
      const inside = root.querySelectorAll<HTMLImageElement | HTMLIFrameElement>('img, iframe');
      control.skipsLayout ||= skipsIn(root) || root.querySelector(STYLED) !== null;
      if (control.skipsLayout || [...inside].some(isLazy)) return true;
    }
    return false;
  };
}
