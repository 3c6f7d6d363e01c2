import type { ResolvedOptions } from '../options/options.js';
import type { FrameTapEncoder } from '../page/frameTap.js';

/**
 * Bits per pixel of the video: 20 Mb/s at 1920x1080 and 30 frames a second. The encoder has no constant-quality mode;
 * at this rate its quality comes close to that of x264 with our defaults (about 44 dB).
 */
const BITS_PER_PIXEL = 0.32;

/** H.264 levels with their maximum number of macroblocks per frame and per second (table A-1 of the standard). */
const LEVELS: readonly (readonly [level: number, perFrame: number, perSecond: number])[] = [
  [0x1f, 3600, 108_000],
  [0x28, 8192, 245_760],
  [0x2a, 8704, 522_240],
  [0x32, 22_080, 589_824],
  [0x33, 36_864, 983_040],
  [0x34, 36_864, 2_073_600],
];

/** The settings of the browser's H.264 encoder: High profile, at the lowest level that allows the video. */
export function inPageEncoder({ pixelWidth, pixelHeight, fps, videoBitrate }: ResolvedOptions): FrameTapEncoder {
  const rate = fps.num / fps.den;
  const blocks = Math.ceil(pixelWidth / 16) * Math.ceil(pixelHeight / 16);
  const fitting = LEVELS.find(([, perFrame, perSecond]) => blocks <= perFrame && blocks * rate <= perSecond);
  const [level] = fitting ?? LEVELS.at(-1)!;
  return {
    codec: `avc1.6400${level.toString(16)}`,
    width: pixelWidth,
    height: pixelHeight,
    bitrate: videoBitrate ? bitsPerSecond(videoBitrate) : Math.round(BITS_PER_PIXEL * pixelWidth * pixelHeight * rate),
    framerate: rate,
  };
}

/** Parses a bit rate such as `8M`, `500k` or `8000000`. */
function bitsPerSecond(text: string): number {
  const factor = text.endsWith('M') ? 1e6 : text.endsWith('k') ? 1e3 : 1;
  return Math.round(Number.parseFloat(text) * factor);
}
