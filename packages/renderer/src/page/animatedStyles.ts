import type { Control } from './control.js';

/**
 * Animated images in style sheets and `style` attributes follow the virtual clock: a declaration that names one is
 * rewritten to name its frame for the present time.
 */
export function installAnimatedStyles(control: Control): void {
  /** A `url()`, as the browser serializes it or as it is written in a custom property. */
  const ADDRESS = /url\(\s*(["']?)((?:[^\\]|\\.)*?)\1\s*\)/g;

  interface Declaration {
    /** The value set by the page. */
    value: string;
    /** The present value, with frames in place of animated images. */
    current: string;
    /** None of its URLs is that of an animated image. */
    isStill: boolean;
  }

  interface Content {
    /** The number of rules when the sheet was scanned. */
    rules: number;
    /** The declarations that contain a `url()`. */
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

  /** Scans a sheet if it is new or its number of rules has changed. */
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
      // A cross-origin sheet cannot be read.
      return { rules: 0, styles: [], imports: [] };
    }
  }

  /** All declarations with a `url()`, each with the base of its relative URLs. */
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

  /** Like `animatedPicture`, for a URL as it is written in a style; undefined until something has loaded it. */
  function pictureAt(text: string, base: string): ReturnType<Control['animatedPicture']> | undefined {
    const address = text.replace(/\\(.)/g, '$1');
    // A URL that starts with # refers to an element of the document.
    if (address.startsWith('#') || !URL.canParse(address, base)) return null;
    const source = new URL(address, base).href;
    // The browser does not request images that only unused rules name. Its list of resources covers only those from
    // servers.
    if (/^https?:/.test(source) && entriesOf(source).length === 0) return undefined;
    return control.animatedPicture(source);
  }

  /** Puts the frames for the present time into a declaration. Returns what to wait for before calling this again. */
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
    declaration.isStill = still;
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
        // The page may have set the property since.
        if (declaration?.current !== current) {
          declaration = { value: current, current, isStill: false };
          declarations.set(name, declaration);
        }
        if (!declaration.isStill) waiting.push(...show(style, name, declaration, base));
      }
    }
    return waiting;
  }

  control.keepUp(update);
}
