import type { Control } from './control.js';

/** `Math.random` gives the same numbers in every render: the generator is mulberry32 (Tommy Ettinger, public domain). */
export function installRandom(control: Control): void {
  let state = control.config.seed >>> 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
