/** Side of a block in pixels: what is drawn at another fraction of a pixel is the same on average in it. */
const BLOCK = 16;
/** How much the average of a block may differ, in levels of 255. */
const MAX_BLOCK = 8;
/** How much blocks may differ on average. */
const MAX_MEAN = 1;

/**
 * How two pictures of the same thing differ (four bytes a pixel, the fourth means nothing); the empty
 * string where they are alike. Edges and text may be smoothed in another way, as they are on layers that
 * the compositor turns or scales: single pixels then differ by a hundred levels where nothing is wrong, and
 * the whole has no more than 31 dB. So averages of blocks are compared, which hardly change with that,
 * but do where something is missing, moved by a pixel or of another colour.
 */
export function differenceOf(one: Buffer, other: Buffer, width: number): string {
  if (one.length !== other.length) return 'it has another size';
  const height = one.length / 4 / width;
  let worst = 0;
  let place = '';
  let sum = 0;
  let count = 0;
  for (let top = 0; top < height; top += BLOCK) {
    for (let left = 0; left < width; left += BLOCK) {
      const [right, bottom] = [Math.min(left + BLOCK, width), Math.min(top + BLOCK, height)];
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = (y * width + left) * 4, end = (y * width + right) * 4; at < end; at += 4) {
          sums[0]! += one[at]! - other[at]!;
          sums[1]! += one[at + 1]! - other[at + 1]!;
          sums[2]! += one[at + 2]! - other[at + 2]!;
        }
      }
      for (const each of sums) {
        const difference = Math.abs(each) / ((right - left) * (bottom - top));
        sum += difference;
        count++;
        if (difference <= worst) continue;
        worst = difference;
        place = `${left},${top}`;
      }
    }
  }
  if (worst > MAX_BLOCK) return `by ${worst.toFixed(1)} levels in the ${BLOCK} pixels from ${place}`;
  const mean = sum / count;
  return mean > MAX_MEAN ? `by ${mean.toFixed(1)} levels on average` : '';
}
