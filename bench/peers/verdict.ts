import type { Quality } from '../quality.js';

/**
 * A mean similarity below this is another picture, not a worse one: JPEG 80 and x264 crf 18 together stay
 * above 0.95, the same page in another font is at 0.84.
 */
const LEAST_SSIM = 0.9;
/** So many of the frames that move must move: encoders swallow the smallest changes. */
const LEAST_MOVING = 0.8;

/**
 * What is wrong with a video that should show what the lossless one shows, in words; `isWrong` where it is
 * not the page. Colours that are off,
 * by a wrong tag, and a frame too many or too few are faults, but no reason to leave a tool out.
 */
export function judge(quality: Quality, frames: number): { faults: string[]; isWrong: boolean } {
  const { ssim, shape, moving, movingInReference } = quality;
  const wrong: string[] = [];
  if (!(shape >= LEAST_SSIM)) wrong.push(`WRONG: another picture (SSIM of brightness ${shape.toFixed(3)})`);
  if (moving < LEAST_MOVING * movingInReference) {
    wrong.push(`WRONG: frozen (${moving} of ${movingInReference} frames move)`);
  }
  const colours = shape >= LEAST_SSIM && ssim < LEAST_SSIM ? ['colours are off'] : [];
  const count = quality.frames === frames ? [] : [`${quality.frames} frames instead of ${frames}`];
  return { faults: [...wrong, ...colours, ...count], isWrong: wrong.length > 0 };
}
