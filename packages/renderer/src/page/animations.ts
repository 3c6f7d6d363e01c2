import type { Control } from './control.js';

/**
 * CSS animations and transitions, Web Animations and SMIL follow the virtual clock. The browser's
 * own animation timeline is stopped from outside (playback rate 0), so that an animation moves only
 * when it is moved here; it stays in the state `running` and fires its events as ever.
 */
export function installAnimations(control: Control): void {
  interface Track {
    /** Virtual time at which the animation was at `offset`. */
    base: number;
    offset: number;
    rate: number;
    /** Where it was put last; somewhere else means that the page moved it. */
    last: number | undefined;
  }
  const tracks = new WeakMap<Animation, Track>();
  const nativeTime = Object.getOwnPropertyDescriptor(Animation.prototype, 'currentTime')!;
  const readTime = nativeTime.get as (this: Animation) => CSSNumberish | null;
  const writeTime = nativeTime.set as (this: Animation, time: number | null) => void;
  const writeStart = Object.getOwnPropertyDescriptor(Animation.prototype, 'startTime')!.set as (
    this: Animation,
    start: number | null,
  ) => void;
  const readTimeline = Object.getOwnPropertyDescriptor(AnimationTimeline.prototype, 'currentTime')!.get as (
    this: AnimationTimeline,
  ) => CSSNumberish | null;

  function* animations(): Generator<Animation> {
    const seen = new Set<Animation>();
    const found: Animation[] = [];
    for (const root of control.roots()) found.push(...root.getAnimations());
    for (const animation of found) {
      if (seen.has(animation)) continue;
      seen.add(animation);
      // Scroll and view timelines follow the scroll position, not the clock.
      if (animation.timeline instanceof DocumentTimeline) yield animation;
    }
  }

  control.observeAnimations = (at) => {
    forEachSvgClock((svg) => {
      if (smilBase.has(svg)) return;
      smilBase.set(svg, at);
      svg.pauseAnimations();
      svg.setCurrentTime(0);
    });
    for (const animation of animations()) {
      const current = readTime.call(animation);
      const known = tracks.get(animation);
      if (animation.playState !== 'running' || typeof current !== 'number') {
        if (known) known.last = undefined;
      } else if (!known || known.last !== current || known.rate !== animation.playbackRate) {
        tracks.set(animation, { base: at, offset: current, rate: animation.playbackRate, last: current });
      }
    }
  };

  control.moveAnimations = (to) => {
    for (const animation of animations()) {
      const track = tracks.get(animation);
      if (!track || track.last === undefined || animation.playState !== 'running') continue;
      const time = track.offset + (to - track.base) * track.rate;
      writeTime.call(animation, time);
      // A seek may go past the end; playing stops there.
      if ((animation.playState as string) === 'finished') {
        const end = animation.effect?.getComputedTiming().endTime;
        if (track.rate > 0 && typeof end === 'number' && time > end) writeTime.call(animation, end);
        else if (track.rate < 0 && time < 0) writeTime.call(animation, 0);
      }
      track.last = Number(readTime.call(animation));
    }
    forEachSvgClock((svg) => svg.setCurrentTime((to - (smilBase.get(svg) ?? to)) / 1000));
  };

  const SMIL_ELEMENTS = ['animate', 'animateTransform', 'animateMotion', 'set'];
  const SVG = 'http://www.w3.org/2000/svg';
  const smilLists = SMIL_ELEMENTS.map((name) => document.getElementsByTagNameNS(SVG, name));
  const smilBase = new WeakMap<SVGSVGElement, number>();

  function forEachSvgClock(visit: (svg: SVGSVGElement) => void): void {
    // Only the outermost element has a clock.
    const visitAll = (found: Iterable<Element>) => {
      for (const svg of found as Iterable<SVGSVGElement>) if (!svg.ownerSVGElement) visit(svg);
    };
    if (smilLists.some((list) => list.length > 0)) visitAll(document.getElementsByTagNameNS(SVG, 'svg'));
    for (const root of control.roots()) if (root !== document) visitAll(root.querySelectorAll('svg'));
  }

  // The page's own reckoning with timelines must meet the virtual clock, not the stopped one.
  const timelineNow = () => control.now - control.born;
  Object.defineProperty(DocumentTimeline.prototype, 'currentTime', { get: timelineNow, configurable: true });
  Object.defineProperty(AnimationPlaybackEvent.prototype, 'timelineTime', { get: timelineNow, configurable: true });
  Object.defineProperty(Animation.prototype, 'startTime', {
    configurable: true,
    get(this: Animation) {
      const current = readTime.call(this);
      if (typeof current !== 'number' || this.playState === 'paused') return null;
      return timelineNow() - (this.playbackRate === 0 ? 0 : current / this.playbackRate);
    },
    set(this: Animation, start: number | null) {
      // As the browser does it, which lets an animation run that was idle or paused; its own timeline
      // stands still at another time.
      const stopped = readTimeline.call(document.timeline) as number;
      writeStart.call(this, start === null ? null : start - timelineNow() + stopped);
    },
  });

  // A view transition takes pictures of the page, before and after, until its animations are ready.
  for (const owner of [Document.prototype, Element.prototype] as unknown as Record<string, unknown>[]) {
    const start = owner['startViewTransition'] as ((...args: unknown[]) => ViewTransition) | undefined;
    if (!start) continue;
    owner['startViewTransition'] = function (this: unknown, ...args: unknown[]) {
      const transition = start.apply(this, args);
      control.photographing++;
      const done = () => {
        control.photographing--;
      };
      transition.ready.then(done, done);
      return transition;
    };
  }
}
