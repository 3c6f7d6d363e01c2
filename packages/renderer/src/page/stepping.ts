import type { Control } from './control.js';
import type { Outcome } from './outcome.js';

/** The order of events in one frame, as HTML's "update the rendering" has it. */
export function installStepping(control: Control): void {
  const { num, den } = control.config.fps;
  const timeOf = (frame: number) => (frame * den * 1000) / num;
  /** The first frame at or after a time. */
  const frameAt = (time: number) => Math.ceil((time * num) / (den * 1000) - 1e-9);
  /**
   * A jump runs frame callbacks at least this often, in milliseconds: libraries take a longer pause
   * for a stall of the machine and leave it out (GSAP: 500).
   */
  const LONGEST_PAUSE = 400;
  /** So many times 5 ms are waited for promises that the page gave us before it is seen what could be done to keep them. */
  const PATIENCE = 10;
  /** The step leaves frames out: nobody will tell later of animations that began on the way. */
  let skipsFrames = false;
  /** What `stirs` was when the page's animations were looked at last: nothing of the page may have run since. */
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
  /** What `<object>` and `<embed>` show is asked for in a task after their layout. */
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

  /** Takes part in a page that shows this frame already. */
  function joinAt(frame: number): void {
    if (control.started) return;
    control.started = true;
    control.frame = frame;
    const later = timeOf(frame) - control.born;
    control.born += later;
    control.now += later;
    control.shiftTimers(later);
  }

  /** Resolves to whether promises of the page are left: to keep them may take another document, which is asked then. */
  async function untilQuiet(patience = PATIENCE): Promise<boolean> {
    // A page that is to be loaded again, in a browser that has WebGPU, waits for that in vain.
    while (control.webgpu !== 'wanted') {
      // While the page loads, its start-up timers belong to frame 0. Later a timer that is due now,
      // set by a frame callback, runs after the frame is drawn, unless the frame waits for it.
      if (control.started && control.pending.size === 0) await control.inTask(() => {});
      else await control.runTimers(control.now);
      await control.exchange();
      // Fonts and background pictures are asked for when style and layout need them.
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
   * GSAP's ticker ignores frames less than 4 ms after its start, as frame 0 is by definition. Values
   * that it writes lazily, on the first tick (those of `from` tweens), would be missing from frame 0.
   * It also leaves out what it takes for a stall: frames may be half a second apart.
   */
  function startGsap(): void {
    const { gsap } = globalThis as {
      gsap?: { ticker?: { tick?: () => void; lagSmoothing?: (threshold: number) => void } };
    };
    gsap?.ticker?.lagSmoothing?.(0);
    gsap?.ticker?.tick?.();
  }

  /** Runs the timers up to a frame; where they have run, animations take part in every frame on the way. */
  async function runTimersTo(frame: number): Promise<void> {
    for (let due = control.nextDue(); due <= timeOf(frame); due = control.nextDue()) {
      const next = Math.min(frame, frameAt(due));
      // A timer may be due a rounding error after the frame that it belongs to.
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

  control.settle = async (frame, releasesPostponed = false, isNudged = false) => {
    if (frame !== undefined) joinAt(frame);
    if (releasesPostponed) control.releasePostponed();
    // The clock stands still for the page, which may ask for the time again and again before it lets it go on.
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
