import type { Control } from './control.js';
import type { Outcome } from './outcome.js';

/** The order of events in one frame, as in HTML's "update the rendering". */
export function installStepping(control: Control): void {
  const { num, den } = control.config.fps;
  const timeOf = (frame: number) => (frame * den * 1000) / num;
  /** The first frame at or after a time. */
  const frameAt = (time: number) => Math.ceil((time * num) / (den * 1000) - 1e-9);
  /**
   * A step that skips frames runs frame callbacks at least this often, in milliseconds: libraries take a longer pause
   * for a stall of the machine and do not count it (GSAP: 500).
   */
  const LONGEST_PAUSE = 400;
  /** How often to wait 5 ms for promises given by the page before reporting that nothing else is left to wait for. */
  const PATIENCE = 10;
  /** Whether the step skips frames: the renderer will not pass on animations that start on the way. */
  let skipsFrames = false;
  /** `activity` when animations were last observed: if it is unchanged, no script of the page has run since. */
  let observedAt = -1;

  function picturesLoading(): Promise<unknown>[] {
    const waiting = [...document.images].filter((image) => !image.complete && image.loading !== 'lazy');
    return waiting.map(
      (image) =>
        new Promise((resolve) => {
          image.addEventListener('load', resolve, { once: true });
          image.addEventListener('error', resolve, { once: true });
        }),
    );
  }

  const objects = document.getElementsByTagName('object');
  const embeds = document.getElementsByTagName('embed');
  const seen = new WeakMap<Element, string | null>();
  /** Whether there are new `<object>` or `<embed>` files, which the browser requests in a task after layout. */
  function newlyEmbedded(): boolean {
    let found = false;
    for (const element of [...objects, ...embeds]) {
      const address = element.getAttribute('data') ?? element.getAttribute('src');
      if (seen.has(element) && seen.get(element) === address) continue;
      seen.set(element, address);
      found = true;
    }
    return found;
  }

  /** Starts the clock of a document that was created while the page shows this frame. */
  function joinAt(frame: number): void {
    if (control.started) return;
    control.started = true;
    control.frame = frame;
    const later = timeOf(frame) - control.born;
    control.born += later;
    control.now += later;
    control.shiftTimers(later);
  }

  /**
   * Waits until nothing is pending. Resolves to true if only promises given by the page are left: they may depend on
   * another document.
   */
  async function untilQuiet(patience = PATIENCE): Promise<boolean> {
    // A page that wants WebGPU will be reopened in a browser that has it. In this one it would wait in vain.
    while (control.webgpu !== 'wanted') {
      // While the page loads, its start-up timers belong to frame 0. Later, a timer that a frame callback has set and
      // that is due now runs after the frame is drawn, unless the frame is waiting for something.
      if (control.started && control.pending.size === 0) await control.inTask(() => {});
      else await control.runTimers(control.now);
      await control.exchange();
      // Fonts and background images are requested when style and layout need them.
      void document.documentElement?.getBoundingClientRect();
      const waiting: Promise<unknown>[] = [...control.pending, ...picturesLoading()];
      for (const wait of control.waits) waiting.push(...wait());
      if (document.fonts.status === 'loading') waiting.push(document.fonts.ready);
      if (newlyEmbedded()) waiting.push(control.realDelay(1));
      if (waiting.length === 0) return false;
      patience = waiting.length === control.promised ? patience - 1 : PATIENCE;
      if (patience < 0) return true;
      await Promise.race([Promise.allSettled(waiting), control.realDelay(5)]);
    }
    return false;
  }

  async function takeOutcome(awaitsPromises: boolean): Promise<Outcome> {
    if (control.started) await control.showCanvases();
    control.finishDrawing();
    if (control.frameUse !== 'undrawn') {
      control.rewriteHints();
      control.adoptOwnSheet();
    }
    const { observers } = control;
    const outcome = {
      settleAgain: control.takeActive(),
      awaitsPromises,
      hasPostponed: control.hasPostponed(),
      hasLoadedFrames: control.hasLoadedFrames(),
      hasObservers: observers.targets > 0 || control.hasDeferredContent(),
      observerCalls: observers.calls,
      skipsLayout: control.skipsLayout,
      needsSnapshots: control.pendingSnapshots > 0,
      hidesRoots: control.hidesRoots(),
      videos: control.videos().length > 0,
      workerFailed: control.hasFailed(),
      unstartedWorkers: control.takeUnstartedWorkers(),
      animations: control.countAnimations(),
      stylesParts: control.stylesParts(),
      webgl: control.usesWebGl(),
      webgpu: control.webgpu,
      missesDrawing: control.missesDrawing(),
      files: control.fileFaults(),
    } satisfies Outcome;
    observers.calls = 0;
    return outcome;
  }

  /**
   * GSAP's ticker ignores frames within 4 ms of its start, such as frame 0. Values that it writes only on the first
   * tick (those of `from` tweens) would be missing from frame 0. It also ignores long pauses, which it takes for
   * stalls; but frames may be half a second apart.
   */
  function startGsap(): void {
    const { gsap } = globalThis as {
      gsap?: { ticker?: { tick?: () => void; lagSmoothing?: (threshold: number) => void } };
    };
    gsap?.ticker?.lagSmoothing?.(0);
    gsap?.ticker?.tick?.();
  }

  /** Runs the timers up to a frame. Animations are moved to each frame at which timers have run. */
  async function runTimersTo(frame: number): Promise<void> {
    for (let due = control.nextDue(); due <= timeOf(frame); due = control.nextDue()) {
      const next = Math.min(frame, frameAt(due));
      // A timer may be due a rounding error after the time of its frame.
      await control.runTimers(Math.max(due, timeOf(next)));
      if (next === frame) break;
      moveTo(next);
    }
    await control.runTimers(timeOf(frame));
    moveTo(frame);
  }

  function observeAnimations(all: boolean): void {
    observedAt = control.activity;
    control.observeAnimations(control.now, all);
  }

  function moveTo(frame: number): void {
    control.now = timeOf(frame);
    if (skipsFrames || control.activity !== observedAt) observeAnimations(skipsFrames);
    control.moveAnimations(control.now);
  }

  async function runCallbacks(): Promise<void> {
    await control.runFrameCallbacks();
    if (!control.awaitsFrame()) return;
    await control.exchange();
    await control.runWorkerFrames();
  }

  control.settle = async (frame, { releasesPostponed, isNudged, firesFrameLoads, hasLoaded } = {}) => {
    if (frame !== undefined) joinAt(frame);
    if (releasesPostponed) control.releasePostponed();
    if (hasLoaded) control.active = true;
    if (firesFrameLoads) await control.fireFrameLoads();
    // The page may be polling for the time while its promise stops the clock: if nudging has led to anything, do not
    // wait.
    const awaitsPromises = await untilQuiet(isNudged && (await control.nudge()) ? 0 : PATIENCE);
    if (control.started) control.pauseSvgs(control.now);
    return takeOutcome(awaitsPromises);
  };

  control.step = async (frame, from, frameUse = 'drawn', hasNewAnimations = true) => {
    const first = !control.started;
    control.frameUse = frameUse;
    skipsFrames = frame > from + 1;
    if (from >= 0) joinAt(from);
    observeAnimations(first || hasNewAnimations);
    control.started = true;
    const pause = Math.max(1, Math.floor((LONGEST_PAUSE * num) / (den * 1000)));
    for (let next = first && from < 0 ? 0 : frameAt(control.now) + pause; ; next += pause) {
      next = Math.min(next, frame);
      control.frame = next;
      await runTimersTo(next);
      if (next === frame) await Promise.all(control.movers.map((move) => move(control.now)));
      await runCallbacks();
      if (next === 0) startGsap();
      if (next === frame) break;
      await control.exchange();
    }
    const awaitsPromises = await untilQuiet();
    control.pauseSvgs(control.now);
    return takeOutcome(awaitsPromises);
  };
}
