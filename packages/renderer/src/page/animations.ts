import type { Control } from './control.js';

/**
 * CSS animations, CSS transitions and Web Animations follow the virtual clock. The renderer stops the browser's own
 * animation timeline (playback rate 0), so an animation moves only when it is moved here. It stays in the play state
 * `running` and fires its events as usual.
 */
export function installAnimations(control: Control): void {
  interface Track {
    animation: Animation;
    /** Virtual time at which the animation's current time was `offset`. */
    base: number;
    offset: number;
    rate: number;
    isRunning: boolean;
    /** The current time as last set here. Any other value means that the page has moved the animation. */
    setTime: number;
    /** The current time by the clock, which differs from `setTime` by a rounding error. This is what the page reads. */
    exactTime: number;
    /** The time to set so that the browser shows the state at `exactTime`. */
    targetTime: number;
    /** An iteration that runs backwards starts at `targetTime`. */
    startsBackwards: boolean;
  }
  /**
   * The browser sorts the animations it lists, in quadratic time: 0.3 s for 3000 CSS animations. From this many on,
   * they are listed only when the renderer knows of new ones and does not pass them on itself.
   */
  const LIST_ALWAYS_BELOW = 200;
  /** The rounding error of a time, relative to the largest number in its computation. */
  const ROUNDING = 64 * Number.EPSILON;
  /** Offsets to try, in this order, in units in the last place. */
  const NEIGHBOURS = [0, 1, -1, 2, -2, 3, -3, 4, -4];

  /** Animations in the last list, and those started since. */
  let known = new Set<Animation>();
  /** Animations passed on by the renderer: the browser's list may leave them out. */
  const adopted = new Set<Animation>();
  /** How many the last list named. Animations that have ended since are dropped with the next list. */
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
    if (all || known.size < LIST_ALWAYS_BELOW || known.size > 2 * listed) {
      known = new Set();
      for (const root of control.roots()) for (const animation of root.getAnimations()) known.add(animation);
      listed = known.size;
      for (const animation of adopted) {
        if (animation.playState === 'finished' || animation.playState === 'idle') adopted.delete(animation);
        else known.add(animation);
      }
    } else {
      // Finds nothing, but updates styles just as a full list would.
      document.head.getAnimations();
    }
    running = [];
    // Read all animations before moving any: each read after a move would make the browser update styles.
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
      if (track?.isRunning && track.setTime === current && track.rate === rate) {
        running.push(track);
        continue;
      }
      const exactTime = track?.setTime === current ? track.exactTime : current;
      const started: Track = {
        animation,
        base: at,
        offset: exactTime,
        rate,
        isRunning: true,
        setTime: current,
        exactTime,
        targetTime: current,
        startsBackwards: false,
      };
      tracks.set(animation, started);
      running.push(started);
    }
  };

  control.moveAnimations = (to) => {
    for (const track of running) plan(track, to);
    for (const track of running) {
      if (track.startsBackwards) seekToBackwardsStart(track);
      else writeTime.call(track.animation, track.targetTime);
    }
    for (const track of running) track.setTime = readTime.call(track.animation) as number;
  };

  /**
   * Computes the current time of an animation for a virtual time. Steps and iterations start at exact times, which
   * frames hit but binary fractions miss; so the animation is set a rounding error further, in the direction of its
   * iteration. An iteration that runs backwards starts with the state at its very end, so it must be set exactly.
   */
  function plan(track: Track, to: number): void {
    const place = track.offset + (to - track.base) * track.rate;
    track.exactTime = track.targetTime = place;
    track.startsBackwards = false;
    const timing = timingOf(track.animation);
    if (!timing) return;
    const delay = Number(timing.delay);
    const duration = Number(timing.duration);
    const endTime = Number(timing.endTime);
    const rounding = ROUNDING * Math.max(Math.abs(place), Math.abs(delay), duration, to);
    // Playback stops at either end; a seek would go past it.
    if (track.rate > 0 && place >= endTime - rounding) {
      track.exactTime = track.targetTime = endTime;
      return;
    }
    if (track.rate < 0 && place <= rounding) {
      track.exactTime = track.targetTime = 0;
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
    track.startsBackwards = isBegin && isBackwards;
    if (track.startsBackwards) track.targetTime = begins;
    else track.targetTime = place + (isBackwards ? -rounding : rounding) / 4;
  }

  /** Cached: the browser creates an object with all timing at each call, which takes a third of the time spent here. */
  function timingOf(animation: Animation): ComputedEffectTiming | undefined {
    const { effect } = animation;
    // Style sheets can change the timing of CSS animations at any time (transitions are recreated instead), and scripts
    // of another document the timing of its effects.
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

  function seekToBackwardsStart({ animation, targetTime: time }: Track): void {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(time))) - 52);
    for (const neighbour of NEIGHBOURS) {
      writeTime.call(animation, time + neighbour * unit);
      if (animation.effect?.getComputedTiming().progress === 1) return;
    }
    // At least in the right iteration, if not at its very start.
    writeTime.call(animation, time + 8 * unit);
  }

  const exactTimeOf = (animation: Animation) => {
    const current = readTime.call(animation);
    const track = tracks.get(animation);
    return track && track.setTime === current ? track.exactTime : current;
  };
  const noteAnimation = (animation: Animation) => void known.add(animation);
  control.keepAnimation = (animation) => {
    noteAnimation(animation);
    adopted.add(animation);
  };
  control.countAnimations = () => known.size;

  // The page must find the virtual clock in its timelines, not the stopped one.
  const timelineNow = () => control.now - control.born;
  Object.defineProperty(DocumentTimeline.prototype, 'currentTime', { get: timelineNow, configurable: true });
  Object.defineProperty(AnimationPlaybackEvent.prototype, 'timelineTime', { get: timelineNow, configurable: true });
  Object.defineProperty(Animation.prototype, 'currentTime', {
    ...nativeTime,
    get(this: Animation) {
      return exactTimeOf(this);
    },
    set(this: Animation, time: number | null) {
      writeTime.call(this, time);
      noteAnimation(this);
    },
  });
  Object.defineProperty(Animation.prototype, 'startTime', {
    configurable: true,
    get(this: Animation) {
      const current = exactTimeOf(this);
      if (typeof current !== 'number' || this.playState === 'paused') return null;
      return timelineNow() - (this.playbackRate === 0 ? 0 : current / this.playbackRate);
    },
    set(this: Animation, start: number | null) {
      // Setting the real property also starts an idle or paused animation, as it should. The browser's own timeline is
      // stopped at another time, hence the difference.
      const stopped = readTimeline.call(document.timeline) as number;
      writeStart.call(this, start === null ? null : start - timelineNow() + stopped);
      noteAnimation(this);
    },
  });
  for (const name of ['play', 'reverse'] as const) {
    const start = Animation.prototype[name];
    Animation.prototype[name] = function () {
      start.call(this);
      noteAnimation(this);
    };
  }

  // Until its animations are ready, a view transition takes snapshots of the page, before and after the change.
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
