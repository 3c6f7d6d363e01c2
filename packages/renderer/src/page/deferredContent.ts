import type { Control } from './control.js';

/**
 * The browser loads lazy images and iframes, and lays out elements with `content-visibility: auto`, only after it has
 * made a frame in which it finds them in view. If a page has any, the renderer has the browser make such a frame before
 * each capture.
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

  /** The number of rules when a sheet was scanned, and whether one of them makes the browser skip layout. */
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
      // A cross-origin sheet cannot be read. Its effect is noticed when `contentvisibilityautostatechange` first fires.
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

  // Live lists, which the browser maintains: searching a large document takes 0.1 ms in every step.
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
