import type { Control } from './control.js';

/**
 * `Math.random` and `crypto` return the same numbers in every render. The generator is mulberry32 (Tommy Ettinger,
 * public domain). Each of the two has a sequence of its own. A worker's sequences follow from its place among the
 * workers that its context starts, not from the order in which they become ready.
 */
export function installRandom(control: Control): void {
  function generator(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    };
  }
  const next = generator(control.config.seed);
  Math.random = () => next() / 4294967296;

  control.nextSeed = generator(control.config.seed ^ 0x3c6ef372);

  if (typeof Crypto === 'undefined') return;
  const nextForCrypto = generator(control.config.seed ^ 0x5bf03635);

  const realValues = Crypto.prototype.getRandomValues;
  Crypto.prototype.getRandomValues = function (array) {
    // Call the browser's own first: it throws for arrays that may not be filled.
    realValues.call(this, array);
    const view = array as unknown as ArrayBufferView;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let index = 0; index < bytes.length; index++) bytes[index] = nextForCrypto() >>> 24;
    return array;
  };
  control.whenComplete(() => {
    // Missing in a page without a secure origin.
    if (!('randomUUID' in Crypto.prototype)) return;
    Crypto.prototype.randomUUID = () => {
      const bytes = Array.from({ length: 16 }, () => nextForCrypto() >>> 24);
      bytes[6] = (bytes[6]! & 0x0f) | 0x40;
      bytes[8] = (bytes[8]! & 0x3f) | 0x80;
      const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    };
  });
}
