/** What Genlock knows about a video codec: how ffmpeg makes it, and where it can be put. */
export interface Codec {
  /** The ffmpeg encoder. */
  encoder: string;
  /** File name extensions of the containers that hold it. */
  containers: readonly string[];
  /** Extension of the chunk files: a container with exact time stamps that can be joined by copying. */
  chunkExtension: 'mp4' | 'mov';
  pixelFormats: readonly string[];
  /** Range and default of the constant quality; undefined where the codec has none. */
  crf?: { max: number; default: number };
  /** The presets that can be named. */
  presets?: readonly string[];
  /** What ffmpeg is told instead where none is named. */
  unnamedPreset?: readonly string[];
  /** And where the render is to be fast; undefined where the codec has nothing for that. */
  fast?: { preset: readonly string[]; quality: (crf: number) => readonly string[] };
}

const X26X_PRESETS = 'ultrafast superfast veryfast faster fast medium slow slower veryslow'.split(' ');

/**
 * `superfast` with what `veryfast` has in addition for pictures that mostly stand still: it looks ahead, by as much
 * as pays for the memory. Measured at 1080p with crf 18 on a page in full motion, slides and a mixed page: half to
 * three quarters of the time of `veryfast`, files 5, 42 and 6% smaller, SSIM 0.8 to 1.2 dB less. Ten frames ahead
 * and a pyramid that is not strict would save 8% of the bits at equal SSIM, lose 4% and save 1%, for 45 MiB more of
 * 165. Without the look-ahead, slides are six times as large at the same crf. B-frames come three at a time: to find
 * out for each how many pay takes 5 to 19% of the time, for files as large (on ten pages between 12% smaller and 3%
 * larger, slides 23% of next to nothing) and 0.5 dB of SSIM at most.
 */
const X264_UNNAMED = [
  ...['-preset', 'superfast', '-rc-lookahead', '5', '-mbtree', '1'],
  ...['-b-pyramid', 'strict', '-b_strategy', '0'],
];

/**
 * `ultrafast` with what costs next to nothing: half a pixel's precision in motion and the loop filter; where a bit rate
 * is asked for, also bits where the eye wants them.
 */
const X264_FAST = [
  ...['-preset', 'ultrafast', '-subq', '1', '-deblock', '0:0', '-aq-mode', '1'],
  ...['-rc-lookahead', '5', '-mbtree', '1'],
];

/**
 * What stands for a `crf` in a fast render: a constant quantiser, five above. To vary it x264 measures every picture,
 * which takes 6 to 28% of the time; it also puts more bits where there is little to see, without which blocks of colour
 * can be made out in gradients: colour gets a finer quantiser instead. Ten pages came out 0.3 to 2.2 dB better (SSIM)
 * than with that `crf`, in files between 2% smaller and 36% larger. As a `crf`, 0 is without loss, and so it is here.
 */
function fastQuality(crf: number): readonly string[] {
  return crf === 0 ? ['-qp', '0'] : ['-qp', String(Math.min(51, Math.round(crf) + 5)), '-chromaoffset', '-4'];
}

/** Codecs by the name that users give. The quality defaults aim at no visible loss at a moderate size. */
export const CODECS: Readonly<Record<string, Codec>> = {
  h264: {
    encoder: 'libx264',
    containers: ['mp4', 'mov', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p'],
    crf: { max: 51, default: 18 },
    presets: X26X_PRESETS,
    unnamedPreset: X264_UNNAMED,
    fast: { preset: X264_FAST, quality: fastQuality },
  },
  h265: {
    encoder: 'libx265',
    containers: ['mp4', 'mov', 'mkv'],
    chunkExtension: 'mp4',
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p', 'yuv420p10le'],
    crf: { max: 51, default: 22 },
    presets: X26X_PRESETS,
    unnamedPreset: ['-preset', 'veryfast'],
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
    unnamedPreset: ['-preset', '8'],
  },
  prores: {
    encoder: 'prores_ks',
    containers: ['mov', 'mkv'],
    chunkExtension: 'mov',
    pixelFormats: ['yuv422p10le', 'yuv444p10le'],
  },
};

/** The one codec behind `lossless`: H.264 in RGB without quantisation decodes to exactly the RGB captured. */
export const LOSSLESS: Codec = {
  encoder: 'libx264rgb',
  containers: ['mkv', 'mp4'],
  chunkExtension: 'mp4',
  pixelFormats: ['rgb24'],
};

/** The same for the planes of the compositor: they are encoded as they are. */
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

/** Extensions of the files that Genlock can write. */
export const EXTENSIONS = ['mp4', 'mov', 'mkv', 'webm'] as const;

/** The codec name in the table for any of its spellings; undefined when there is none. */
export function codecName(name: string): string | undefined {
  const key = name.toLowerCase();
  const known = ALIASES[key] ?? key;
  return Object.hasOwn(CODECS, known) ? known : undefined;
}

/** The codec that a file name asks for when no codec is named. */
export function defaultCodecName(extension: string): string {
  return extension === 'webm' ? 'vp9' : 'h264';
}

/** True where the colour planes have half the width and height of the picture, which must then be even. */
export function isSubsampled420(pixelFormat: string): boolean {
  return pixelFormat.startsWith('yuv420') || pixelFormat.startsWith('nv12');
}
