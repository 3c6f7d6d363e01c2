import type { Control } from './control.js';

/**
 * SMIL follows the virtual clock: the time of each SVG is set. The scripting interface takes 32-bit numbers, which are
 * 0.06 ms apart after ten minutes, and the browser truncates them to whole microseconds. So the number is chosen that
 * is on the right side of every moment at which an animation jumps.
 */
export function installSmil(control: Control): void {
  const ELEMENTS = ['animate', 'animateTransform', 'animateMotion', 'set'];
  const SVG = 'http://www.w3.org/2000/svg';
  /** Times closer together than this, in microseconds, count as the same moment. */
  const SAME = 1e-3;
  /** The error, relative to the duration, with which the browser compares fractions of it. */
  const SHARE_ERROR = 1.3e-7;

  const lists = ELEMENTS.map((name) => document.getElementsByTagNameNS(SVG, name));
  const bases = new WeakMap<SVGSVGElement, number>();

  function* clocks(): Generator<SVGSVGElement> {
    const trees: Iterable<Element>[] = [];
    if (lists.some((list) => list.length > 0)) trees.push(document.getElementsByTagNameNS(SVG, 'svg'));
    for (const root of control.roots()) if (root !== document) trees.push(root.querySelectorAll('svg'));
    // Only the outermost SVG element has a clock.
    for (const tree of trees) for (const svg of tree as Iterable<SVGSVGElement>) if (!svg.ownerSVGElement) yield svg;
  }

  control.pauseSvgs = (at) => {
    for (const svg of clocks()) {
      if (bases.has(svg)) continue;
      bases.set(svg, at);
      svg.pauseAnimations();
      svg.setCurrentTime(0);
    }
  };
  const observe = control.observeAnimations;
  control.observeAnimations = (at, all) => {
    observe(at, all);
    control.pauseSvgs(at);
  };

  const move = control.moveAnimations;
  control.moveAnimations = (to) => {
    move(to);
    for (const svg of clocks()) {
      const time = (to - (bases.get(svg) ?? to)) * 1000;
      svg.setCurrentTime(nearest(time, ...jumpsAround(svg, time)));
    }
  };

  /** The 32-bit number of seconds nearest to a time in microseconds, but not before `last` and before `next`. */
  function nearest(time: number, last: number, next: number): number {
    const number = new Float32Array([Math.max(last, Math.min(time, next)) / 1e6]);
    const bits = new Uint32Array(number.buffer);
    const counted = () => Math.trunc(number[0]! * 1e6);
    while (number[0]! > 0 && counted() >= next) bits[0]!--;
    while (counted() < last) bits[0]!++;
    return number[0]!;
  }

  /** The last jump of an animation at or before a time, and the next one after it, in microseconds. */
  function jumpsAround(svg: SVGSVGElement, time: number): [last: number, next: number] {
    let last = 0;
    let next = Infinity;
    const add = (jump: number, error = 0) => {
      if (jump > time + SAME) next = Math.min(next, Math.ceil(jump - SAME));
      else last = Math.max(last, Math.ceil(jump + error - SAME));
    };
    for (const element of svg.querySelectorAll<SVGAnimationElement>(ELEMENTS.join())) {
      const begin = microseconds(() => element.getStartTime());
      if (begin === undefined) continue;
      add(begin);
      const duration = microseconds(() => element.getSimpleDuration());
      if (!duration || begin > time + SAME) continue;
      const iteration = Math.floor((time + SAME - begin) / duration);
      add(begin + iteration * duration);
      add(begin + (iteration + 1) * duration);
      const repeats = Number(element.getAttribute('repeatCount'));
      if (repeats > 0) add(begin + repeats * duration);
      if (element.getAttribute('calcMode') !== 'discrete') continue;
      const error = Math.ceil(SHARE_ERROR * duration);
      for (const share of sharesOf(element)) if (share > 0) add(begin + (iteration + share) * duration, error);
    }
    return [last, next];
  }

  /** The fractions of its duration at which an animation changes from one value to the next. */
  function sharesOf(element: SVGAnimationElement): number[] {
    const list = (name: string) =>
      element
        .getAttribute(name)
        ?.split(';')
        .filter((item) => item.trim() !== '');
    const times = list('keyTimes');
    if (times) return times.map(Number);
    const count = list('values')?.length ?? 2;
    return Array.from({ length: count }, (_, index) => index / count);
  }

  /** Converts seconds from a 32-bit number, which has seven significant digits; undefined if `read` throws. */
  function microseconds(read: () => number): number | undefined {
    try {
      return Number((Number(read().toPrecision(7)) * 1e6).toPrecision(15));
    } catch {
      return undefined;
    }
  }
}
