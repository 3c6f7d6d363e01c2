import type { Control } from './control.js';

/** The order of events in one frame, as HTML's "update the rendering" has it. */
export function installStepping(control: Control): void {
  const { num, den } = control.config.fps;
  const timeOf = (frame: number) => (frame * den * 1000) / num;

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

  control.settle = async () => {
    for (;;) {
      // While the page loads, its start-up timers belong to frame 0. Later a timer that is due now,
      // set by a frame callback, runs after the frame is drawn, unless the frame waits for it.
      if (control.started && control.pending.size === 0) await control.inTask(() => {});
      else await control.runTimers(control.now);
      // Fonts and background pictures are asked for when style and layout need them.
      void document.documentElement?.getBoundingClientRect();
      const waiting: Promise<unknown>[] = [...control.pending, ...picturesLoading()];
      for (const wait of control.waits) waiting.push(...wait());
      if (document.fonts.status === 'loading') waiting.push(document.fonts.ready);
      if (waiting.length === 0) return;
      await Promise.race([Promise.allSettled(waiting), control.realDelay(5)]);
    }
  };

  /**
   * GSAP's ticker ignores frames less than 4 ms after its start, as frame 0 is by definition. Values
   * that it writes lazily, on the first tick (those of `from` tweens), would be missing from frame 0.
   */
  function startGsap(): void {
    const { gsap } = globalThis as { gsap?: { ticker?: { tick?: () => void } } };
    gsap?.ticker?.tick?.();
  }

  control.step = async (frame) => {
    control.observeAnimations(control.now);
    control.started = true;
    const time = timeOf(frame);
    control.frame = frame;
    await control.runTimers(time);
    control.now = time;
    control.observeAnimations(time);
    control.moveAnimations(time);
    await Promise.all(control.movers.map((move) => move(time)));
    await control.runFrameCallbacks();
    if (frame === 0) startGsap();
    await control.settle();
    control.observeAnimations(time);
  };
}
