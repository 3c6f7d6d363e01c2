import type { Control } from './control.js';

/**
 * CSS animations and transitions and Web Animations follow the virtual clock. The browser's own animation
 * timeline is stopped from outside (playback rate 0), so that an animation moves only when it is moved
 * here; it stays in the state `running` and fires its events as ever.
 */
export function installAnimations(control: Control): void {
  interface Track {
    animation: Animation;
    /** Virtual time at which the animation was at `offset`. */
    base: number;
    offset: number;
    rate: number;
    isRunning: boolean;
    /** Where it was put last; somewhere else means that the page moved it. */
    put: number;
    /** Where it is by the clock, a rounding error away from there: this is what the page reads. */
    place: number;
    /** Where it is to be put to show what it shows at its place. */
    goal: number;
    /** An iteration that goes backwards begins there. */
    turns: boolean;
  }
  /**
   * The browser sorts the animations that it lists, in time that grows with their square: 0.3 s for 3000 of style
   * sheets. More than so many are listed only when the renderer knows that there are new ones, and does not hand them
   * over itself.
   */
  const FEW = 200;
  /** How far a time may be from where it belongs, in parts of the largest number that it was made of. */
  const ROUNDING = 64 * Number.EPSILON;
  /** Tried one after the other, in units of the last place. */
  const NEIGHBOURS = [0, 1, -1, 2, -2, 3, -3, 4, -4];

  /** Those that a list last named, and those that began since. */
  let known = new Set<Animation>();
  /** Those that we were given: a list may not name them. */
  const kept = new Set<Animation>();
  /** How many the list named: what has ended since is forgotten with the next one. */
  let listed = 0;
  let running: Track[] = [];
  const tracks = new WeakMap<Animation, Track>();
  const timings = new WeakMap<AnimationEffect, ComputedEffectTiming>();
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
    if (all || known.size < FEW || known.size > 2 * listed) {
      known = new Set();
      for (const root of control.roots()) for (const animation of root.getAnimations()) known.add(animation);
      listed = known.size;
      for (const animation of kept) {
        if (animation.playState === 'finished' || animation.playState === 'idle') kept.delete(animation);
        else known.add(animation);
      }
    } else {
      // As a list of all would, this brings styles up to date; it finds nothing.
      document.head.getAnimations();
    }
    running = [];
    // All are read before any is moved: to read one after that, the browser would have to bring styles up to date.
    for (const animation of known) {
      const track = tracks.get(animation);
      if (animation.playState !== 'running') {
        if (track) track.isRunning = false;
        continue;
      }
      const current = readTime.call(animation);
      // Scroll and view timelines follow the scroll position, not the clock.
      if (typeof current !== 'number' || !(animation.timeline instanceof DocumentTimeline)) {
        if (track) track.isRunning = false;
        continue;
      }
      const rate = animation.playbackRate;
      if (track?.isRunning && track.put === current && track.rate === rate) {
        running.push(track);
        continue;
      }
      const place = track?.put === current ? track.place : current;
      const state = {
        base: at,
        offset: place,
        rate,
        isRunning: true,
        put: current,
        place,
        goal: current,
        turns: false,
      };
      const begun = { animation, ...state };
      tracks.set(animation, begun);
      running.push(begun);
    }
  };

  control.moveAnimations = (to) => {
    for (const track of running) plan(track, to);
    for (const track of running) {
      if (track.turns) putAtTurn(track);
      else writeTime.call(track.animation, track.goal);
    }
    for (const track of running) track.put = readTime.call(track.animation) as number;
  };

  /**
   * Finds where an animation belongs at a time. Steps and iterations begin at exact times, which frames meet and
   * binary fractions miss: so it is put the least bit later, in the direction in which its iteration goes. An
   * iteration that goes backwards begins with what is at its very end: there it is to be put exactly.
   */
  function plan(track: Track, to: number): void {
    const place = track.offset + (to - track.base) * track.rate;
    track.place = track.goal = place;
    track.turns = false;
    const timing = timingOf(track.animation);
    if (!timing) return;
    const delay = Number(timing.delay);
    const duration = Number(timing.duration);
    const endTime = Number(timing.endTime);
    const rounding = ROUNDING * Math.max(Math.abs(place), Math.abs(delay), duration, to);
    // Playing stops at the ends; a seek would go past them.
    if (track.rate > 0 && place >= endTime - rounding) {
      track.place = track.goal = endTime;
      return;
    }
    if (track.rate < 0 && place <= rounding) {
      track.place = track.goal = 0;
      return;
    }
    if (!(duration > 0 && duration < Infinity)) return;

    const { direction } = timing;
    const start = timing.iterationStart!;
    const overall = (place - delay) / duration + start;
    const nearest = Math.round(overall);
    const begins = delay + (nearest - start) * duration;
    const isBegin = Math.abs(place - begins) <= rounding;
    const iteration = isBegin ? nearest : Math.floor(overall);
    const isBackwards =
      direction === 'reverse' || (direction !== 'normal' && (iteration % 2 === 0) === (direction !== 'alternate'));
    track.turns = isBegin && isBackwards;
    if (track.turns) track.goal = begins;
    else track.goal = place + (isBackwards ? -rounding : rounding) / 4;
  }

  /** The browser makes an object of all timing each time that it is asked: a third of what the moving takes here. */
  function timingOf(animation: Animation): ComputedEffectTiming | undefined {
    const { effect } = animation;
    // Style sheets may change that of theirs at any time (transitions are made anew instead), scripts of another
    // document that of its effects.
    if (!(effect instanceof AnimationEffect) || animation instanceof CSSAnimation) return effect?.getComputedTiming();
    let timing = timings.get(effect);
    if (!timing) timings.set(effect, (timing = effect.getComputedTiming()));
    return timing;
  }

  const { updateTiming } = AnimationEffect.prototype;
  AnimationEffect.prototype.updateTiming = function (...changes) {
    timings.delete(this);
    updateTiming.apply(this, changes);
  };

  function putAtTurn({ animation, goal: time }: Track): void {
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
  const keep = (animation: Animation) => void known.add(animation);
  control.keepAnimation = (animation) => {
    keep(animation);
    kept.add(animation);
  };
  control.countAnimations = () => known.size;

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
      control.pendingSnapshots++;
      const done = () => {
        control.pendingSnapshots--;
      };
      transition.ready.then(done, done);
      return transition;
    };
  }
}
