import { formatFrameRate } from '../options/frameRate.js';
import type { ResolvedOptions } from '../options/options.js';
import { CODING_FIELDS } from './coding.js';
import type { FrameFormat } from './Frame.js';

/** Containers by file name extension, as ffmpeg names them. */
const MUXERS: Readonly<Record<string, string>> = { mp4: 'mp4', mov: 'mov', mkv: 'matroska', webm: 'webm' };

const QUIET = ['-hide_banner', '-loglevel', 'error', '-y'];

/**
 * The finished MP4 or MOV has no edit list: its first frame is at 0, composition offsets may be negative instead, and
 * the index comes first. Chunks use ffmpeg's defaults: when files with negative offsets are joined, short chunks lose
 * their exact time stamps.
 */
function finalArguments(extension: string): string[] {
  const isMov = extension === 'mp4' || extension === 'mov';
  return isMov ? ['-use_editlist', '0', '-movflags', '+negative_cts_offsets+faststart'] : [];
}

/** Encodes a stream of frames on standard input into one video file. */
export function encodeArguments(
  format: FrameFormat,
  options: ResolvedOptions,
  outputPath: string,
  hashesPath?: string,
): string[] {
  const coding = isEncoded(format) ? copyArguments(options) : codecArguments(format, options);
  return [
    ...QUIET,
    ...inputArguments(format, options),
    ...['-map', '0:v', '-an', ...coding],
    ...(options.joinable ? [] : finalArguments(options.extension)),
    ...['-f', MUXERS[options.extension]!, outputPath],
    ...(hashesPath ? hashArguments(format, hashesPath) : []),
  ];
}

/** Whether the frames are already encoded by the browser. */
function isEncoded(format: FrameFormat): boolean {
  return format === 'h264';
}

function inputArguments(format: FrameFormat, { fps, pixelWidth, pixelHeight }: ResolvedOptions): string[] {
  const source = ['-framerate', formatFrameRate(fps), '-i', 'pipe:0'];
  if (isEncoded(format)) return ['-f', 'h264', ...source];
  if (format === 'i420' || format === 'bgrx') {
    const pixels = format === 'i420' ? 'yuv420p' : 'bgr0';
    return ['-f', 'rawvideo', '-pixel_format', pixels, '-video_size', `${pixelWidth}x${pixelHeight}`, ...source];
  }
  // One thread decodes PNG faster than pictures are drawn; each additional one would keep frames in memory.
  return ['-threads', '1', '-f', 'image2pipe', '-c:v', 'png', ...source];
}

/**
 * The browser's packets may state no colours, or wrong ones. They are set to the matrix, primaries and curve of BT.709
 * (1), as close to sRGB as video gets, in limited range. Packets state no times either: frame n is the n-th packet.
 */
function copyArguments({ fps }: ResolvedOptions): string[] {
  const colours = 'video_full_range_flag=0:colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1';
  return ['-c:v', 'copy', '-bsf:v', `h264_metadata=${colours},setts=ts=N*${fps.den}/(${fps.num}*TB)`];
}

function codecArguments(format: FrameFormat, options: ResolvedOptions): string[] {
  const { codec, crf, preset, videoBitrate, encoderThreads } = options;
  const threads = encoderThreads === undefined ? [] : ['-threads', String(encoderThreads)];
  const planes = format === 'i420';
  if (options.lossless) {
    const tags = planes ? colourTags(format) : [];
    return ['-c:v', codec.encoder, '-preset', 'ultrafast', '-qp', '0', ...tags, ...threads];
  }
  // Planes are encoded without conversion.
  const filter = planes ? [] : ['-vf', colourFilter(options.pixelFormat)];
  const args = [...filter, '-c:v', codec.encoder, ...colourTags(format)];
  const fast = options.fast ? codec.fast : undefined;
  if (crf !== undefined) args.push(...(fast?.quality(crf) ?? ['-crf', String(crf)]));
  // VP9 takes its quality from -crf only when no bit rate bounds it.
  if (crf !== undefined && codec.encoder === 'libvpx-vp9') args.push('-b:v', '0', '-row-mt', '1', '-cpu-used', '4');
  if (videoBitrate !== undefined) args.push('-b:v', videoBitrate);
  const fallback = fast?.preset ?? codec.defaultPreset ?? [];
  args.push(...(preset === undefined ? fallback : ['-preset', preset]));
  if (codec.encoder === 'prores_ks') args.push('-profile:v', options.pixelFormat.includes('444') ? '4' : '3');
  if (codec.encoder === 'libx265') args.push('-tag:v', 'hvc1', '-x265-params', 'log-level=error');
  return [...args, ...threads];
}

/** Converts pictures, which are sRGB in full range, to BT.709 in limited range. */
function colourFilter(pixelFormat: string): string {
  return `scale=in_range=full:out_range=limited:out_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int,format=${pixelFormat}`;
}

/**
 * The colours that the file states. The compositor makes planes with the matrix of BT.601; sRGB has BT.709's primaries.
 */
function colourTags(format: FrameFormat): string[] {
  const matrix = format === 'i420' ? 'smpte170m' : 'bt709';
  return ['-colorspace', matrix, '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'];
}

/** A second output of the same run: the SHA-256 of each captured frame, before it is encoded. */
function hashArguments(format: FrameFormat, path: string): string[] {
  const pixels = format === 'i420' ? 'yuv420p' : 'rgb24';
  return ['-map', '0:v', '-an', '-pix_fmt', pixels, '-f', 'framehash', '-hash', 'sha256', path];
}

/** Joins the files in a list without encoding them again. */
export function concatArguments(listPath: string, outputPath: string, extension: string): string[] {
  return [
    ...QUIET,
    ...['-f', 'concat', '-safe', '0', '-i', listPath, '-map', '0:v', '-c', 'copy'],
    ...finalArguments(extension),
    ...['-f', MUXERS[extension]!, outputPath],
  ];
}

/**
 * The list of chunk files for `concatArguments`. It states each duration, in microseconds that add up exactly.
 * Durations read from the files would be rounded to milliseconds, and frames would drift at the joins.
 */
export function concatList(
  chunks: readonly { path: string; frameCount: number }[],
  fps: { num: number; den: number },
): string {
  const microseconds = (frames: number) => Math.round((frames * fps.den * 1e6) / fps.num);
  let frames = 0;
  const lines = chunks.flatMap(({ path, frameCount }) => {
    const start = microseconds(frames);
    frames += frameCount;
    const duration = (microseconds(frames) - start) / 1e6;
    // Inside quotes only the quote itself is special (ffmpeg-utils, quoting and escaping).
    return [`file '${path.replaceAll("'", String.raw`'\''`)}'`, `duration ${duration.toFixed(6)}`];
  });
  return `ffconcat version 1.0\n${lines.join('\n')}\n`;
}

/** Has ffprobe print a video's properties on one line and the time stamp of each frame on a line of its own. */
export function probeArguments(path: string): string[] {
  const entries = `stream=${CODING_FIELDS.join(',')}:packet=pts_time`;
  const stream = ['-select_streams', 'v:0', '-show_data_hash', 'sha256'];
  return ['-v', 'error', ...stream, '-show_entries', entries, '-of', 'compact=p=0', path];
}
