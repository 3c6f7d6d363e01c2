import type { Control } from './control.js';

/**
 * With `will-change: transform` the compositor keeps a layer at the scale and the fraction of a pixel at which it
 * first drew it, however the element moves later. The picture would then depend on the frame at which a worker
 * begins. So each such hint is rewritten to `will-change: contain`, for which the browser makes the same stacking
 * context and containing block, but no layer. A second word, which means nothing to the browser, keeps the hint
 * itself: the page reads back what it has written.
 *
 * In software a layer of its own saves nothing that could be measured (ten blurred circles of 500 px moved by GSAP
 * at 1280x720: 153 instead of 180 CPU-ms a frame without it).
 */
export function installLayerHints(control: Control): void {
  const PROPERTY = 'will-change';
  /** The values for which Chromium makes such a layer. */
  const LAYER_VALUE =
    /(?<![\w-])(?:-webkit-)?(?:transform-style|transform|perspective|translate|scale|rotate)(?![\w-])/gi;
  /** In any case. To compare without it takes the browser ten times as long: most texts fail the first condition. */
  const STYLED = '[style*="-c"][style*="will-change" i], [style*="-C"][style*="will-change" i]';
  /** Chromium makes stacking contexts and containing blocks for it, and no layers. */
  const INSTEAD = 'contain, genlock-';
  /** What comes by way of a variable is not known here, and stays as it is. */
  const encode = (value: string) =>
    value.includes(INSTEAD) || value.includes('var(') ? value : value.replace(LAYER_VALUE, (hint) => INSTEAD + hint);
  const decode = (value: string) => value.replaceAll(INSTEAD, '');

  /** As the browser makes a string of whatever a page gives it. */
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

  /** The sheets that have been looked through, with the number of their rules. */
  const known = new WeakMap<CSSStyleSheet, number>();

  /** Declarations of a sheet that is new, or has got more or fewer rules. */
  function* stylesIn(sheet: CSSStyleSheet): Generator<CSSStyleDeclaration> {
    let rules: CSSRuleList;
    try {
      rules = sheet.cssRules;
    } catch {
      // Of another origin: nobody may read it.
      return;
    }
    if (known.get(sheet) === rules.length) return;
    known.set(sheet, rules.length);
    yield* stylesOf(rules);
  }

  /** Whether the mutations that are told of in this moment are ours. */
  let isRewriting = false;

  control.rewriteHints = () => {
    isRewriting = true;
    for (const root of control.roots()) {
      for (const sheet of control.sheetsIn(root)) for (const style of stylesIn(sheet)) rewrite(style);
      // What scripts write is rewritten at once: this is for markup and attributes.
      for (const { style } of root.querySelectorAll<HTMLElement>(STYLED)) rewrite(style);
    }
    // Behind the observers' own microtask.
    queueMicrotask(() => {
      isRewriting = false;
    });
  };

  // Accessors of the prototype come before the names that the browser itself gives each declaration.
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

  // A rule that comes where another one goes leaves their number as it was.
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
    construct(target, [told, ...rest]: [MutationCallback, ...unknown[]], newTarget: new () => unknown) {
      const callback: unknown =
        typeof told === 'function'
          ? function (this: unknown, ...args: Parameters<MutationCallback>) {
              if (!isRewriting) told.apply(this as MutationObserver, args);
            }
          : told;
      return Reflect.construct(target, [callback, ...rest], newTarget) as MutationObserver;
    },
  });
}
