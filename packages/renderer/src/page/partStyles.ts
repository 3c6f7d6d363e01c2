import type { Control } from './control.js';

/**
 * Knows whether the page has styles for parts that a browser makes elements of (`::placeholder`,
 * `::-webkit-slider-thumb`, `::details-content`): no script can list the animations of those.
 */
export function installPartStyles(control: Control): void {
  const PART =
    /::(-webkit-(?!scrollbar)|-internal-|placeholder|file-selector-button|details-content|picker|checkmark|thumb|track|fill)/;
  /** The sheets that have been looked through, with the number of their rules. */
  const known = new WeakMap<CSSStyleSheet, number>();
  let found = false;

  function stylesPart(rules: Iterable<CSSRule>): boolean {
    for (const rule of rules) {
      const { selectorText, cssRules, styleSheet } = rule as Partial<CSSStyleRule & CSSImportRule>;
      if (selectorText !== undefined && PART.test(selectorText)) return true;
      if (cssRules && stylesPart(cssRules)) return true;
      if (styleSheet && inSheet(styleSheet)) return true;
    }
    return false;
  }

  function inSheet(sheet: CSSStyleSheet): boolean {
    try {
      const { cssRules } = sheet;
      if (known.get(sheet) === cssRules.length) return false;
      known.set(sheet, cssRules.length);
      return stylesPart(cssRules);
    } catch {
      // Of another origin: nobody may read it.
      return false;
    }
  }

  control.stylesParts = () => {
    if (found) return true;
    for (const root of control.roots()) found ||= control.sheetsIn(root).some(inSheet);
    return found;
  };
}
