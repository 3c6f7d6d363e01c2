/** A frame rate in frames per second, as an exact fraction in lowest terms: 29.97 is 30000/1001. */
export interface FrameRate {
  /** Numerator, in frames. */
  num: number;
  /** Denominator, in seconds. */
  den: number;
}

/** Highest rate that is accepted, in frames per second. */
const MAX_RATE = 1000;

/**
 * Reads a frame rate: a number, `"30"`, `"12.5"` or `"30000/1001"`. The decimal names of the NTSC
 * rates (23.976, 29.97, 47.952, 59.94, 119.88) mean their exact fractions over 1001 (SMPTE ST 12-1).
 * Returns undefined for anything that is not a rate above 0 and up to 1000 frames per second.
 */
export function parseFrameRate(value: unknown): FrameRate | undefined {
  if (typeof value === 'number') return fromDecimal(value);
  if (typeof value !== 'string') return undefined;
  const fraction = /^\s*(\d+)\s*[/:]\s*(\d+)\s*$/.exec(value);
  if (fraction) return reduce(Number(fraction[1]), Number(fraction[2]));
  return /^\s*\d+(\.\d+)?\s*$/.test(value) ? fromDecimal(Number(value)) : undefined;
}

function fromDecimal(rate: number): FrameRate | undefined {
  if (!Number.isFinite(rate)) return undefined;
  const nominal = Math.round(rate);
  const ntsc = (nominal * 1000) / 1001;
  // 23.98, 23.976 and 23.97602 all mean 24000/1001; 23.95 does not.
  if (nominal % 6 === 0 && rate !== nominal && Math.abs(rate - ntsc) < 0.006) {
    return reduce(nominal * 1000, 1001);
  }
  return reduce(Math.round(rate * 1000), 1000);
}

function reduce(num: number, den: number): FrameRate | undefined {
  if (!Number.isSafeInteger(num) || !Number.isSafeInteger(den) || num <= 0 || den <= 0) return undefined;
  if (num / den > MAX_RATE) return undefined;
  const divisor = greatestCommonDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** `30` or `30000/1001`: the form that ffmpeg reads and that people recognise. */
export function formatFrameRate({ num, den }: FrameRate): string {
  return den === 1 ? String(num) : `${num}/${den}`;
}

/** The time of a frame in seconds: n / fps. */
export function frameTime(frame: number, { num, den }: FrameRate): number {
  return (frame * den) / num;
}

/** How many whole frames a duration in seconds holds, at least 1. */
export function framesIn(seconds: number, { num, den }: FrameRate): number {
  return Math.max(1, Math.round((seconds * num) / den));
}
