import type { Control } from './control.js';

/**
 * Makes smooth scrolling a function of the frame: the scroll position is moved here, with the duration and easing that
 * Chromium uses for scrolling by script. All other scrolling is instant.
 */
export function installScrolling(control: Control): void {
  interface SmoothScroll {
    from: { left: number; top: number };
    to: { left: number; top: number };
    start: number;
    duration: number;
    /** The position set last. Any other position means that something else has scrolled the element. */
    last: { left: number; top: number };
    /** Resolves the promise of the call, in browsers that return one. */
    end: () => void;
  }
  const scrolls = new Map<Element, SmoothScroll>();
  const { prototype } = Element;

  const realScrollTo = prototype.scrollTo as (this: Element, options: ScrollToOptions) => unknown;
  const realIntoView = prototype.scrollIntoView;
  const realWindowScroll = globalThis.scrollTo.bind(globalThis) as (options: ScrollToOptions) => unknown;

  const viewport = () => document.scrollingElement ?? document.documentElement;

  /** cubic-bezier(0.42, 0, 0.58, 1), a curve x(s), y(s): finds s for x by bisection and returns y. */
  function ease(x: number): number {
    if (x >= 1) return 1;
    const curve = (s: number, a: number, b: number) => 3 * a * s * (1 - s) ** 2 + 3 * b * s ** 2 * (1 - s) + s ** 3;
    let low = 0;
    let high = 1;
    for (let round = 0; round < 40; round++) {
      const middle = (low + high) / 2;
      if (curve(middle, 0.42, 0.58) < x) low = middle;
      else high = middle;
    }
    return curve((low + high) / 2, 0, 1);
  }

  function jump(element: Element, left: number, top: number): unknown {
    return realScrollTo.call(element, { left, top, behavior: 'instant' });
  }

  function endScroll(element: Element): void {
    scrolls.get(element)?.end();
    scrolls.delete(element);
  }

  /** Suppresses `scrollend` after each of our own steps, and all events of the trial scroll in `startScroll`. */
  function suppressEvent(event: Event): void {
    const { target, type } = event;
    const element = target === document ? viewport() : (target as Element);
    const active = scrolls.get(element);
    if (event.isTrusted && active && (type === 'scrollend' || active.last === active.from))
      event.stopImmediatePropagation();
  }
  function listenOn(root: EventTarget): void {
    for (const type of ['scroll', 'scrollend']) root.addEventListener(type, suppressEvent, true);
  }
  listenOn(globalThis);
  control.onRoot(listenOn);

  const positionOf = (element: Element) => ({ left: element.scrollLeft, top: element.scrollTop });
  const isAt = (element: Element, { left, top }: { left: number; top: number }) =>
    element.scrollLeft === left && element.scrollTop === top;

  /**
   * Starts a smooth scroll. Scrolls there once at first and back, since the browser may limit the position. Returns
   * what the browser's own method returns.
   */
  function startScroll(element: Element, left: number, top: number): unknown {
    const from = positionOf(element);
    const result = jump(element, left, top);
    const to = positionOf(element);
    jump(element, from.left, from.top);
    endScroll(element);
    const distance = Math.max(Math.abs(to.left - from.left), Math.abs(to.top - from.top));
    if (distance === 0) return result;
    const duration = (Math.min(Math.sqrt(distance), 0.7 * 60) / 60) * 1000;
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    scrolls.set(element, { from, to, start: control.now, duration, last: from, end });
    return result instanceof Promise ? ended : undefined;
  }

  function isSmooth(element: Element, behavior: unknown): boolean {
    if (behavior === 'smooth' || behavior === 'instant') return behavior === 'smooth';
    const styled = element === viewport() ? document.documentElement : element;
    return getComputedStyle(styled).scrollBehavior === 'smooth';
  }

  const step = control.runFrameCallbacks.bind(control);
  control.runFrameCallbacks = async () => {
    for (const [element, active] of scrolls) {
      if (!element.isConnected || !isAt(element, active.last)) {
        endScroll(element);
        continue;
      }
      const share = ease((control.now - active.start) / active.duration);
      const between = (a: number, b: number) => a + (b - a) * share;
      jump(element, between(active.from.left, active.to.left), between(active.from.top, active.to.top));
      active.last = positionOf(element);
      if (share >= 1) endScroll(element);
    }
    await step();
  };

  /** The position that an element is scrolling to, or the present one. */
  const destinationOf = (element: Element) => scrolls.get(element)?.to ?? positionOf(element);

  function scroll(element: Element, args: unknown[], relative: boolean): unknown {
    const given = (args.length === 1 ? (args[0] ?? {}) : { left: args[0], top: args[1] }) as ScrollToOptions;
    const start = relative ? positionOf(element) : { left: 0, top: 0 };
    const present = positionOf(element);
    const target = (value: unknown, base: number, stay: number) =>
      value === undefined ? stay : base + (Number.isFinite(Number(value)) ? Number(value) : 0);
    const left = target(given.left, start.left, present.left);
    const top = target(given.top, start.top, present.top);
    if (isSmooth(element, given.behavior)) return startScroll(element, left, top);
    endScroll(element);
    if (element === viewport()) return realWindowScroll({ left, top, behavior: 'instant' });
    return jump(element, left, top);
  }

  for (const [name, relative] of [
    ['scroll', false],
    ['scrollTo', false],
    ['scrollBy', true],
  ] as const) {
    const onElement = function (this: Element, ...args: unknown[]) {
      return args.length > 0 ? scroll(this, args, relative) : undefined;
    };
    const onWindow = (...args: unknown[]) => {
      return args.length > 0 ? scroll(viewport(), args, relative) : undefined;
    };
    Object.defineProperty(prototype, name, { value: onElement, writable: true, configurable: true });
    Object.defineProperty(globalThis, name, { value: onWindow, writable: true, configurable: true });
  }

  /** The scrollable ancestors of an element, the nearest first. */
  function scrollersOf(element: Element): Element[] {
    const found: Element[] = [];
    for (let node: Node | null = element.parentNode; node; node = node.parentNode) {
      if (node instanceof ShadowRoot) node = node.host;
      if (node instanceof Element && (node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth))
        found.push(node);
    }
    const root = viewport();
    return found.includes(root) ? found : [...found, root];
  }

  /** Lets the browser scroll instantly to find the destinations, then scrolls there smoothly where required. */
  function smoothly(element: Element, behavior: unknown, act: () => void): void {
    const scrollers = scrollersOf(element);
    const smooth = scrollers.filter((each) => isSmooth(each, behavior));
    const before = new Map(scrollers.map((each) => [each, positionOf(each)]));
    act();
    const goals = smooth.map((each) => ({ each, goal: positionOf(each) }));
    for (const each of scrollers) if (!isAt(each, before.get(each)!)) endScroll(each);
    for (const { each, goal } of goals) {
      const { left, top } = before.get(each)!;
      if (goal.left === left && goal.top === top) continue;
      jump(each, left, top);
      startScroll(each, goal.left, goal.top);
    }
  }

  prototype.scrollIntoView = function (given?: boolean | ScrollIntoViewOptions) {
    const options: ScrollIntoViewOptions =
      typeof given === 'object' ? given : { block: given === false ? 'end' : 'start', inline: 'nearest' };
    smoothly(this, options.behavior, () => realIntoView.call(this, { ...options, behavior: 'instant' }));
  };

  // Assigning to these also scrolls smoothly if the style says so. Reading them returns the present position.
  for (const [name, side] of [
    ['scrollLeft', 'left'],
    ['scrollTop', 'top'],
  ] as const) {
    const real = Object.getOwnPropertyDescriptor(prototype, name)!;
    Object.defineProperty(prototype, name, {
      ...real,
      set(this: Element, value: unknown) {
        const position = Number(value);
        if (!isSmooth(this, 'auto')) {
          endScroll(this);
          (real.set as (this: Element, value: number) => void).call(this, position);
          return;
        }
        const goal = { ...destinationOf(this), [side]: Number.isFinite(position) ? position : 0 };
        startScroll(this, goal.left, goal.top);
      },
    });
  }
}
