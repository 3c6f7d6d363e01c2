import type { Control } from './control.js';

/**
 * With `will-change: transform`, the compositor keeps a layer at the scale and subpixel offset at which it first drew
 * it, however the element moves later. A frame would then depend on the frame at which its worker started. So each such
 * hint is rewritten to `will-change: contain`, for which the browser creates the same stacking context and containing
 * block, but no layer. A second keyword, meaningless to the browser, preserves the original hint, so that the page
 * reads back what it has written.
 *
 * In software rendering, a separate layer saves nothing measurable (ten blurred circles of 500 px moved by GSAP at
 * 1280x720 took 180 CPU-ms a frame with it, and 153 without).
 */
export function installLayerHints(control: Control): void {
  const PROPERTY = 'will-change';
  /** The values for which Chromium creates such a layer. */
  const LAYER_VALUE =
    /(?<![\w-])(?:-webkit-)?(?:transform-style|transform|perspective|translate|scale|rotate)(?![\w-])/gi;
  /**
   * Matches `will-change` in upper or lower case. Case-insensitive matching takes the browser ten times as long, so a
   * case-sensitive condition that most values fail comes first.
   */
  const STYLED = '[style*="-c"][style*="will-change" i], [style*="-C"][style*="will-change" i]';
  /** Chromium creates a stacking context and a containing block for this, but no layer. */
  const INSTEAD = 'contain, genlock-';
  /** Values with a variable are left as they are: what they resolve to is not known here. */
  const encode = (value: string) =>
    value.includes(INSTEAD) || value.includes('var(') ? value : value.replace(LAYER_VALUE, (hint) => INSTEAD + hint);
  const decode = (value: string) => value.replaceAll(INSTEAD, '');

  /** Converts any value to a string, as the browser does. */
  const asString: (value: unknown) => string = String;

  const { prototype } = CSSStyleDeclaration;
  const { getPropertyValue, getPropertyPriority, setProperty, removeProperty } = prototype;
  const cssText = Object.getOwnPropertyDescriptor(prototype, 'cssText') as {
    get: (this: CSSStyleDeclaration) => string;
    set: (this: CSSStyleDeclaration, text: string) => void;
  };

  function rewrite(style: CSSStyleDeclaration): void {
    const value = getPropertyValue.call(style, PROPERTY);
    const encoded = value && encode(value);
    if (encoded !== value) setProperty.call(style, PROPERTY, encoded, getPropertyPriority.call(style, PROPERTY));
  }

  function* stylesOf(rules: Iterable<CSSRule>): Generator<CSSStyleDeclaration> {
    for (const rule of rules) {
      const { style, cssRules, styleSheet } = rule as Partial<CSSStyleRule & CSSImportRule>;
      if (style) yield style;
      if (cssRules && !(rule instanceof CSSKeyframesRule)) yield* stylesOf(cssRules);
      if (styleSheet) yield* stylesIn(styleSheet);
    }
  }

  /** The sheets that have been scanned, with their number of rules. */
  const known = new WeakMap<CSSStyleSheet, number>();

  /** The declarations of a sheet that is new, or whose number of rules has changed; nothing otherwise. */
  function* stylesIn(sheet: CSSStyleSheet): Generator<CSSStyleDeclaration> {
    let rules: CSSRuleList;
    try {
      rules = sheet.cssRules;
    } catch {
      // A cross-origin sheet cannot be read.
      return;
    }
    if (known.get(sheet) === rules.length) return;
    known.set(sheet, rules.length);
    yield* stylesOf(rules);
  }

  /** Whether the mutations being reported are our own. */
  let isRewriting = false;

  control.rewriteHints = () => {
    isRewriting = true;
    for (const root of control.roots()) {
      for (const sheet of control.sheetsIn(root)) for (const style of stylesIn(sheet)) rewrite(style);
      // Values set by scripts are rewritten at once; this is for those in markup and attributes.
      for (const { style } of root.querySelectorAll<HTMLElement>(STYLED)) rewrite(style);
    }
    // After the microtask that calls the mutation observers.
    queueMicrotask(() => {
      isRewriting = false;
    });
  };

  // Accessors on the prototype take precedence over the browser's own named properties.
  for (const name of [PROPERTY, 'willChange']) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: CSSStyleDeclaration) {
        return decode(getPropertyValue.call(this, PROPERTY));
      },
      set(this: CSSStyleDeclaration, value: unknown) {
        setProperty.call(this, PROPERTY, value === null ? '' : encode(asString(value)));
      },
    });
  }
  prototype.getPropertyValue = function (name) {
    const value = getPropertyValue.call(this, name);
    return value.includes(INSTEAD) ? decode(value) : value;
  };
  prototype.setProperty = function (name, value, ...priority) {
    const isHint = value !== null && asString(name).toLowerCase() === PROPERTY;
    setProperty.call(this, name, isHint ? encode(asString(value)) : value, ...priority);
  };
  prototype.removeProperty = function (name) {
    return decode(removeProperty.call(this, name));
  };
  Object.defineProperty(prototype, 'cssText', {
    ...cssText,
    get(this: CSSStyleDeclaration) {
      return decode(cssText.get.call(this));
    },
    set(this: CSSStyleDeclaration, text: string) {
      cssText.set.call(this, text);
      rewrite(this);
    },
  });

  // A sheet in which one rule replaces another keeps its number of rules, so it must be scanned again.
  const changers: [owner: object, name: string][] = [
    ...['insertRule', 'addRule', 'replace', 'replaceSync'].map((name): [object, string] => [
      CSSStyleSheet.prototype,
      name,
    ]),
    [CSSGroupingRule.prototype, 'insertRule'],
    [CSSStyleRule.prototype, 'insertRule'],
  ];
  for (const [owner, name] of changers as [Record<string, unknown>, string][]) {
    const change = owner[name] as ((...args: unknown[]) => unknown) | undefined;
    if (!change) continue;
    owner[name] = function (this: CSSStyleSheet | CSSRule, ...args: unknown[]) {
      const sheet = this instanceof CSSStyleSheet ? this : this.parentStyleSheet;
      if (sheet) known.delete(sheet);
      return change.apply(this, args);
    };
  }

  globalThis.MutationObserver = new Proxy(MutationObserver, {
    construct(target, [listener, ...rest]: [MutationCallback, ...unknown[]], newTarget: new () => unknown) {
      const callback: unknown =
        typeof listener === 'function'
          ? function (this: unknown, ...args: Parameters<MutationCallback>) {
              if (!isRewriting) listener.apply(this as MutationObserver, args);
            }
          : listener;
      return Reflect.construct(target, [callback, ...rest], newTarget) as MutationObserver;
    },
  });
}
