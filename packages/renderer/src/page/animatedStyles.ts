import type { Control } from './control.js';

/**
 * Animated pictures in style sheets and in `style` attributes follow the virtual clock: a declaration
 * that names one is made to name its frame of the present time.
 */
export function installAnimatedStyles(control: Control): void {
  /** An address, as the browser writes it or as it stands in a variable. */
  const ADDRESS = /url\(\s*(["']?)((?:[^\\]|\\.)*?)\1\s*\)/g;

  interface Declaration {
    /** The value that the page gave it. */
    value: string;
    /** The value that it has. */
    current: string;
    /** No address in it is one of an animated picture. */
    still: boolean;
  }

  interface Content {
    /** How many rules the sheet had when it was looked through. */
    rules: number;
    /** Those that name addresses. */
    styles: CSSStyleDeclaration[];
    imports: CSSImportRule[];
  }

  /** By property. */
  const known = new WeakMap<CSSStyleDeclaration, Map<string, Declaration>>();
  const contents = new WeakMap<CSSStyleSheet, Content>();
  const entriesOf = performance.getEntriesByName.bind(performance);

  function* stylesOf(rules: Iterable<CSSRule>): Generator<CSSStyleDeclaration> {
    for (const rule of rules) {
      if (rule instanceof CSSFontFaceRule || rule instanceof CSSKeyframesRule) continue;
      const { style, cssRules } = rule as Partial<CSSStyleRule>;
      if (style?.cssText.includes('url(')) yield style;
      if (cssRules) yield* stylesOf(cssRules);
    }
  }

  /** Looks through a sheet when it is new, or has got more or fewer rules. */
  function contentOf(sheet: CSSStyleSheet): Content {
    try {
      const { cssRules } = sheet;
      let content = contents.get(sheet);
      if (content?.rules !== cssRules.length) {
        const imports = [...cssRules].filter((rule) => rule instanceof CSSImportRule);
        content = { rules: cssRules.length, styles: [...stylesOf(cssRules)], imports };
        contents.set(sheet, content);
      }
      return content;
    } catch {
      // It is of another origin.
      return { rules: 0, styles: [], imports: [] };
    }
  }

  /** All styles that name addresses, and what those are relative to. */
  function* stylesIn(sheets: Iterable<CSSStyleSheet>): Generator<[style: CSSStyleDeclaration, base: string]> {
    for (const sheet of sheets) {
      const { styles, imports } = contentOf(sheet);
      for (const style of styles) yield [style, sheet.href ?? document.baseURI];
      yield* stylesIn(imports.flatMap(({ styleSheet }) => styleSheet ?? []));
    }
  }

  function* styles(): Generator<[style: CSSStyleDeclaration, base: string]> {
    for (const root of control.roots()) {
      yield* stylesIn(control.sheetsIn(root));
      for (const { style } of root.querySelectorAll<HTMLElement>('[style*="url("]')) yield [style, document.baseURI];
    }
  }

  /** As `animatedPicture`, of an address as it is written; undefined while nothing has loaded it. */
  function pictureAt(text: string, base: string): ReturnType<Control['animatedPicture']> | undefined {
    const address = text.replace(/\\(.)/g, '$1');
    // With # it is a part of the document.
    if (address.startsWith('#') || !URL.canParse(address, base)) return null;
    const source = new URL(address, base).href;
    // What no rule in use names is not asked for. The browser keeps a list of what has come from servers only.
    if (/^https?:/.test(source) && entriesOf(source).length === 0) return undefined;
    return control.animatedPicture(source);
  }

  /** Gives a declaration the frames of the present time; returns what is to be waited for before that can be done. */
  function show(style: CSSStyleDeclaration, name: string, declaration: Declaration, base: string): Promise<unknown>[] {
    const waiting: Promise<unknown>[] = [];
    let still = true;
    const value = declaration.value.replace(ADDRESS, (whole: string, _quote: string, text: string) => {
      const picture = pictureAt(text, base);
      if (picture !== null) still = false;
      if (picture instanceof Promise) waiting.push(picture);
      else if (picture) return `url("${picture.url}")`;
      return whole;
    });
    declaration.still = still;
    if (waiting.length > 0 || value === declaration.current) return waiting;
    style.setProperty(name, value, style.getPropertyPriority(name));
    declaration.current = style.getPropertyValue(name);
    return [];
  }

  function update(): Promise<unknown>[] {
    const waiting: Promise<unknown>[] = [];
    for (const [style, base] of styles()) {
      const declarations = known.get(style) ?? new Map<string, Declaration>();
      known.set(style, declarations);
      for (const name of style) {
        const current = style.getPropertyValue(name);
        if (!current.includes('url(')) continue;
        let declaration = declarations.get(name);
        // The page may have set it anew.
        if (declaration?.current !== current) {
          declaration = { value: current, current, still: false };
          declarations.set(name, declaration);
        }
        if (!declaration.still) waiting.push(...show(style, name, declaration, base));
      }
    }
    return waiting;
  }

  control.keepUp(update);
}
