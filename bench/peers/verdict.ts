import type { Quality } from '../quality.js';

/**
 * A mean similarity below this is another picture, not a worse one: JPEG 80 and x264 crf 18 together
 * stay above 0.95, the same page with another font is at 0.84, one frame too late below that.
 */
const LEAST_SSIM = 0.9;
/** So many of the frames that move must move: encoders swallow the smallest changes. */
const LEAST_MOVING = 0.8;

/**
 * What is wrong with a video that should show what the lossless one shows, in words; `isWrong` where it is
 * not the page. A frame too many or too few is a fault, but changes no speed.
 */
export function judge(quality: Quality, frames: number): { faults: string[]; isWrong: boolean } {
  const { ssim, moving, movingInReference } = quality;
  const wrong: string[] = [];
  if (!(ssim >= LEAST_SSIM)) wrong.push(`WRONG: another picture (SSIM ${ssim.toFixed(3)})`);
  if (moving < LEAST_MOVING * movingInReference) {
    wrong.push(`WRONG: frozen (${moving} of ${movingInReference} frames move)`);
  }
  const count = quality.frames === frames ? [] : [`${quality.frames} frames instead of ${frames}`];
  return { faults: [...wrong, ...count], isWrong: wrong.length > 0 };
}
