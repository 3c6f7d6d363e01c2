import type { Control } from './control.js';

/** `window.genlock`: what a page may know of its render, and ask of it. */
export function installGenlockApi(control: Control): void {
  const { num, den } = control.config.fps;
  const api = Object.freeze({
    get frame() {
      return control.frame;
    },
    get time() {
      return control.now / 1000;
    },
    fps: num / den,
    props: control.config.props,
    isRendering: true as const,
    waitUntil(promise: Promise<unknown>) {
      // Nobody handles a rejection of the tracked promise: it is reported, and fails the render.
      const given = Promise.resolve(promise);
      control.promised++;
      const keep = () => {
        control.promised--;
      };
      given.then(keep, keep);
      void control.track(given, 'a promise given to genlock.waitUntil');
    },
  });
  Object.defineProperty(globalThis, 'genlock', { value: api, enumerable: true });
}
