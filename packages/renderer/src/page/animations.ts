import type { Control } from './control.js';

/**
 * CSS animations and transitions and Web Animations follow the virtual clock. The browser's own animation
 * timeline is stopped from outside (playback rate 0), so that an animation moves only when it is moved
 * here; it stays in the state `running` and fires its events as ever.
 */
export function installAnimations(control: Control): void {
  interface Track {
    /** Virtual time at which the animation was at `offset`. */
    base: number;
    offset: number;
    rate: number;
    isRunning: boolean;
    /** Where it was put last; somewhere else means that the page moved it. */
    put: number;
    /** Where it is by the clock, a rounding error away from there: this is what the page reads. */
    place: number;
  }
  interface Move {
    animation: Animation;
    track: Track;
    /** Where it is by the clock, and where it has to be put to show what it shows there. */
    place: number;
    put: number;
    /** An iteration that goes backwards begins there. */
    turns: boolean;
  }
  /**
   * The browser sorts the animations that it lists, in time that grows with their square: 0.3 s for 3000 of style
   * sheets. More than so many are listed only when the renderer knows that there are new ones.
   */
  const FEW = 200;
  /** How far a time may be from where it belongs, in parts of the largest number that it was made of. */
  const ROUNDING = 64 * Number.EPSILON;
  /** Tried one after the other, in units of the last place. */
  const NEIGHBOURS = [0, 1, -1, 2, -2, 3, -3, 4, -4];

  /** Those that a list last named, and those that the page has started since. */
  let known = new Set<Animation>();
  let running: [Animation, Track][] = [];
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

  control.observeAnimations = (at, all) => {
    if (all || known.size < FEW) {
      known = new Set();
      for (const root of control.roots()) for (const animation of root.getAnimations()) known.add(animation);
    } else {
      // As a list of all would, this brings styles up to date; it finds nothing.
      document.head.getAnimations();
    }
    running = [];
    // All are read before any is moved: to read one after that, the browser would have to bring styles up to date.
    for (const animation of known) {
      // Scroll and view timelines follow the scroll position, not the clock.
      if (!(animation.timeline instanceof DocumentTimeline)) continue;
      const track = tracks.get(animation);
      const current = readTime.call(animation);
      const rate = animation.playbackRate;
      if (animation.playState !== 'running' || typeof current !== 'number') {
        if (track) track.isRunning = false;
      } else if (track?.isRunning && track.put === current && track.rate === rate) {
        running.push([animation, track]);
      } else {
        const offset = track?.put === current ? track.place : current;
        const begun = { base: at, offset, rate, isRunning: true, put: current, place: offset };
        tracks.set(animation, begun);
        running.push([animation, begun]);
      }
    }
  };

  control.moveAnimations = (to) => {
    const moves = running.map(([animation, track]) => planMove(animation, track, to));
    for (const { animation, turns, put } of moves) {
      if (turns) putAtTurn(animation, put);
      else writeTime.call(animation, put);
    }
    for (const { animation, track, place } of moves) {
      track.put = Number(readTime.call(animation));
      track.place = place;
    }
  };

  /**
   * Where an animation belongs at a time. Steps and iterations begin at exact times, which frames meet and binary
   * fractions miss: so it is put the least bit later, in the direction in which its iteration goes. An
   * iteration that goes backwards begins with what is at its very end: there it is to be put exactly.
   */
  function planMove(animation: Animation, track: Track, to: number): Move {
    const place = track.offset + (to - track.base) * track.rate;
    const move = { animation, track, place, put: place, turns: false };
    const timing = animation.effect?.getComputedTiming() as Required<ComputedEffectTiming> | undefined;
    if (!timing) return move;
    const { direction, iterationStart } = timing;
    const [delay, duration, endTime] = [timing.delay, timing.duration, timing.endTime].map(Number) as [
      number,
      number,
      number,
    ];
    const rounding = ROUNDING * Math.max(Math.abs(place), Math.abs(delay), duration, to);
    // Playing stops at the ends; a seek would go past them.
    if (track.rate > 0 && place >= endTime - rounding) return { ...move, place: endTime, put: endTime };
    if (track.rate < 0 && place <= rounding) return { ...move, place: 0, put: 0 };
    if (!(duration > 0 && duration < Infinity)) return move;

    const overall = (place - delay) / duration + iterationStart;
    const nearest = Math.round(overall);
    const begins = delay + (nearest - iterationStart) * duration;
    const isBegin = Math.abs(place - begins) <= rounding;
    const iteration = isBegin ? nearest : Math.floor(overall);
    const isBackwards =
      direction === 'reverse' || (direction !== 'normal' && (iteration % 2 === 0) === (direction !== 'alternate'));
    if (isBegin && isBackwards) return { ...move, put: begins, turns: true };
    return { ...move, put: place + (isBackwards ? -rounding : rounding) / 4 };
  }

  function putAtTurn(animation: Animation, time: number): void {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(time))) - 52);
    for (const neighbour of NEIGHBOURS) {
      writeTime.call(animation, time + neighbour * unit);
      if (animation.effect?.getComputedTiming().progress === 1) return;
    }
    // In this iteration by all means, if not at its very beginning.
    writeTime.call(animation, time + 8 * unit);
  }

  const placeOf = (animation: Animation) => {
    const current = readTime.call(animation);
    const track = tracks.get(animation);
    return track && track.put === current ? track.place : current;
  };
  const keep = (animation: Animation) => {
    known.add(animation);
  };

  // The page's own reckoning with timelines must meet the virtual clock, not the stopped one.
  const timelineNow = () => control.now - control.born;
  Object.defineProperty(DocumentTimeline.prototype, 'currentTime', { get: timelineNow, configurable: true });
  Object.defineProperty(AnimationPlaybackEvent.prototype, 'timelineTime', { get: timelineNow, configurable: true });
  Object.defineProperty(Animation.prototype, 'currentTime', {
    ...nativeTime,
    get(this: Animation) {
      return placeOf(this);
    },
    set(this: Animation, time: number | null) {
      writeTime.call(this, time);
      keep(this);
    },
  });
  Object.defineProperty(Animation.prototype, 'startTime', {
    configurable: true,
    get(this: Animation) {
      const current = placeOf(this);
      if (typeof current !== 'number' || this.playState === 'paused') return null;
      return timelineNow() - (this.playbackRate === 0 ? 0 : current / this.playbackRate);
    },
    set(this: Animation, start: number | null) {
      // As the browser does it, which lets an animation run that was idle or paused; its own timeline
      // stands still at another time.
      const stopped = readTimeline.call(document.timeline) as number;
      writeStart.call(this, start === null ? null : start - timelineNow() + stopped);
      keep(this);
    },
  });
  for (const name of ['play', 'reverse'] as const) {
    const start = Animation.prototype[name];
    Animation.prototype[name] = function () {
      start.call(this);
      keep(this);
    };
  }

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
