/** What Genlock knows about a video codec: how ffmpeg encodes it, and which containers can hold it. */
export interface Codec {
  /** The ffmpeg encoder. */
  encoder: string;
  /** File name extensions of the containers that hold it. */
  containers: readonly string[];
  /** Extension of the chunk files: a container with exact time stamps that can be joined by copying. */
  chunkExtension: 'mp4' | 'mov';
  pixelFormats: readonly string[];
  /** The range (from 0) and default of the constant quality; undefined if the codec has none. */
  crf?: { max: number; default: number };
  /** The presets that can be chosen. */
  presets?: readonly string[];
  /** The arguments that replace `-preset` if none is chosen. */
  defaultPreset?: readonly string[];
  /** The arguments for a `fast` render; undefined if the codec has none. */
  fast?: { preset: readonly string[]; quality: (crf: number) => readonly string[] };
}

const X26X_PRESETS = 'ultrafast superfast veryfast faster fast medium slow slower veryslow'.split(' ');

/**
 * `superfast` with what `veryfast` has in addition for pictures that mostly stand still: a look-ahead, as long as it is
 * worth its memory. Measured at 1080p with crf 18 on a page in full motion, on slides and on a mixed page, compared
 * with `veryfast`: half to three quarters of the time, files 5, 42 and 6% smaller, SSIM 0.8 to 1.2 dB lower.
 *
 * A look-ahead of ten frames and a non-strict pyramid would change the bits at equal SSIM by -8, +4 and -1%, and need
 * 45 MiB in addition to 165. Without a look-ahead, slides are six times as large at the same crf. B-frames always come
 * three at a time: deciding on their number takes 5 to 19% of the time, for files of about the same size (on ten pages
 * 12% smaller to 3% larger; slides 23%, of next to nothing) and at most 0.5 dB of SSIM.
 */
const X264_DEFAULT = [
  ...['-preset', 'superfast', '-rc-lookahead', '5', '-mbtree', '1'],
  ...['-b-pyramid', 'strict', '-b_strategy', '0'],
];

/**
 * `ultrafast` with additions that cost next to nothing: half-pixel precision in motion and the loop filter; and if a
 * bit rate is set, adaptive quantisation.
 */
const X264_FAST = [
  ...['-preset', 'ultrafast', '-subq', '1', '-deblock', '0:0', '-aq-mode', '1'],
  ...['-rc-lookahead', '5', '-mbtree', '1'],
];

/**
 * Replaces `crf` in a fast render by a constant quantiser that is five higher. With a crf, x264 measures every picture
 * to vary the quantiser, which takes 6 to 28% of the time. It also spends more bits on flat areas, without which blocks
 * of colour become visible in gradients: here colour gets a finer quantiser instead. Compared with the same `crf`, ten
 * pages came out 0.3 to 2.2 dB better (SSIM), in files 2% smaller to 36% larger. A `crf` of 0 is lossless, and stays
 * lossless.
 */
function fastQuality(crf: number): readonly string[] {
  return crf === 0 ? ['-qp', '0'] : ['-qp', String(Math.min(51, Math.round(crf) + 5)), '-chromaoffset', '-4'];
}

/** The codecs by their names in the options. The quality defaults aim at no visible loss at a moderate size. */
export const CODECS: Readonly<Record<string, Codec>> = {
  h264: {
    encoder: 'libx264',
    containers: ['mp4', 'mov', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p'],
    crf: { max: 51, default: 18 },
    presets: X26X_PRESETS,
    defaultPreset: X264_DEFAULT,
    fast: { preset: X264_FAST, quality: fastQuality },
  },
  h265: {
    encoder: 'libx265',
    containers: ['mp4', 'mov', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p', 'yuv420p10le'],
    crf: { max: 51, default: 22 },
    presets: X26X_PRESETS,
    defaultPreset: ['-preset', 'veryfast'],
  },
  vp9: {
    encoder: 'libvpx-vp9',
    containers: ['webm', 'mp4', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p'],
    crf: { max: 63, default: 28 },
  },
  av1: {
    encoder: 'libsvtav1',
    containers: ['mp4', 'webm', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv420p10le'],
    crf: { max: 63, default: 30 },
    presets: Array.from({ length: 14 }, (_, speed) => String(speed)),
    defaultPreset: ['-preset', '8'],
  },
  prores: {
    encoder: 'prores_ks',
    containers: ['mov', 'mkv'],
    chunkExtension: 'mov',
    pixelFormats: ['yuv422p10le', 'yuv444p10le'],
  },
};

/** The codec of `lossless`: H.264 in RGB without quantisation, which decodes to exactly the captured RGB. */
export const LOSSLESS: Codec = {
  encoder: 'libx264rgb',
  containers: ['mkv', 'mp4'],
  chunkExtension: 'mp4',
  pixelFormats: ['rgb24'],
};

/** The codec of `lossless` for the compositor's planes, which are encoded without conversion. */
export const LOSSLESS_PLANES: Codec = {
  encoder: 'libx264',
  containers: ['mkv', 'mp4'],
  chunkExtension: 'mp4',
  pixelFormats: ['yuv420p'],
};

/** Other names for the same codecs, as ffmpeg and other renderers spell them. */
const ALIASES: Readonly<Record<string, string>> = {
  avc: 'h264',
  'h.264': 'h264',
  'h264-mp4': 'h264',
  hevc: 'h265',
  'h.265': 'h265',
  ...Object.fromEntries(Object.entries(CODECS).map(([name, codec]) => [codec.encoder, name])),
};

/** The file name extensions of the videos that Genlock can write. */
export const EXTENSIONS = ['mp4', 'mov', 'mkv', 'webm'] as const;

/** The name in the table for any spelling of a codec; undefined if the codec is unknown. */
export function codecName(name: string): string | undefined {
  const key = name.toLowerCase();
  const known = ALIASES[key] ?? key;
  return Object.hasOwn(CODECS, known) ? known : undefined;
}

/** The codec for a file name extension if none is chosen. */
export function defaultCodecName(extension: string): string {
  return extension === 'webm' ? 'vp9' : 'h264';
}

/** Whether the colour planes have half the width and height of the picture, which must then be even. */
export function isSubsampled420(pixelFormat: string): boolean {
  return pixelFormat.startsWith('yuv420') || pixelFormat.startsWith('nv12');
}
