import type { Control } from './control.js';

/**
 * Worklets have no clock of their own, and the renderer cannot inject a script into them, so ours is added as their
 * first module. There `Date` is constant, and `Math.random` restarts with each paint, so that the result does not
 * depend on how often the worklet has painted before.
 */
export function installWorklets(control: Control): void {
  if (typeof Worklet === 'undefined') return;

  /** Runs in the worklet. Sent there as source text, so it is self-contained. */
  function setUp(epoch: number, seed: number): void {
    let state = seed >>> 0;
    Math.random = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
    const RealDate = Date;
    const StillDate = function (...args: unknown[]) {
      if (!new.target) return new RealDate(epoch).toString();
      return Reflect.construct(RealDate, args.length === 0 ? [epoch] : args, new.target) as Date;
    } as unknown as DateConstructor;
    Object.defineProperty(StillDate, 'prototype', { value: RealDate.prototype });
    Object.assign(StillDate, { now: () => epoch, parse: RealDate.parse, UTC: RealDate.UTC });
    globalThis.Date = StillDate;

    interface Painter {
      prototype: { paint?: (...args: unknown[]) => unknown };
    }
    const scope = globalThis as unknown as { registerPaint?: (name: string, painter: Painter) => void };
    const register = scope.registerPaint;
    if (!register) return;
    scope.registerPaint = (name, painter) => {
      const { paint } = painter.prototype;
      painter.prototype.paint = function (...args) {
        state = seed >>> 0;
        return paint?.apply(this, args);
      };
      register(name, painter);
    };
  }

  const { epoch, seed } = control.config;

  const addModule = Worklet.prototype.addModule;
  const prepared = new WeakMap<Worklet, Promise<void>>();
  Worklet.prototype.addModule = function (url, options) {
    const prepare = () => {
      const source = `const __name = (value) => value; (${setUp.toString()})(${epoch}, ${seed})`;
      return addModule.call(this, URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    };
    const ready = prepared.get(this) ?? prepare();
    prepared.set(this, ready);
    return control.track(ready.then(() => addModule.call(this, url, options)));
  };
}
