import type { Control } from './control.js';

/**
 * Detects styles for the browser-made parts of elements (`::placeholder`, `::-webkit-slider-thumb`,
 * `::details-content`), whose animations no script can list.
 */
export function installPartStyles(control: Control): void {
  const PART =
    /::(-webkit-(?!scrollbar)|-internal-|placeholder|file-selector-button|details-content|picker|checkmark|thumb|track|fill)/;
  /** The sheets that have been scanned, with their number of rules. */
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
      // A cross-origin sheet cannot be read.
      return false;
    }
  }

  control.stylesParts = () => {
    if (found) return true;
    for (const root of control.roots()) found ||= control.sheetsIn(root).some(inSheet);
    return found;
  };
}
