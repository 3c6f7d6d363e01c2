import { extname } from 'node:path';
import { OptionsError } from '../errors.js';
import {
  CODECS,
  EXTENSIONS,
  LOSSLESS,
  LOSSLESS_PLANES,
  codecName,
  defaultCodecName,
  isSubsampled420,
  type Codec,
} from '../ffmpeg/codecs.js';
import { framesIn, type FrameRate } from './frameRate.js';
import type { BrowserConfig, Entry, Mode, WebGl } from './groups.js';
import {
  DEADLINES,
  DEFAULT_DEADLINES,
  MAX_FRAMES,
  MAX_SIDE,
  type CheckedOptions,
  type DeadlineName,
} from './schema.js';
import { printable } from './readOptions.js';

/** Limits of a job: time in milliseconds, memory and free disk space in MB. Undefined means no limit. */
export interface JobLimits {
  timeoutMs: number | undefined;
  maxMemoryMB: number | undefined;
  minFreeDiskMB: number | undefined;
}

/** Options of one range of frames, checked, with every default filled in. */
export interface ResolvedOptions {
  width: number;
  height: number;
  fps: FrameRate;
  startFrame: number;
  frameCount: number;
  scale: number;
  mode: Mode;
  fast: boolean;
  webgl: WebGl;
  /** Whether the browser gets WebGPU: if its switches request it, or once the page has requested it. */
  webgpu: boolean;
  /** Whether the browser may encode the frames of a canvas itself. */
  inPage: boolean;
  /** Width of the picture in pixels: the view's width times the scale. */
  pixelWidth: number;
  pixelHeight: number;
  codec: Codec;
  crf: number | undefined;
  preset: string | undefined;
  videoBitrate: string | undefined;
  pixelFormat: string;
  lossless: boolean;
  inputProps: Record<string, unknown>;
  randomSeed: number;
  timeZone: string;
  locale: string;
  allowMissingAssets: boolean;
  ignoreHttpsErrors: boolean;
  /** Whether the page is at a file: address, so that it may read other files, as our clock does on its behalf. */
  fileAccess: boolean;
  frameHashes: string | undefined;
  entry: Entry;
  seamFiles: string | undefined;
  endSeam: boolean;
  joinable: boolean;
  encoderThreads: number | undefined;
  ffmpegPath: string | undefined;
  ffprobePath: string | undefined;
  browserConfig: BrowserConfig;
  hardening: boolean;
  deadlines: Record<DeadlineName, number>;
  /** Limits of the job; see the options of the same names. */
  limits: JobLimits;
  /** Extension of the output file, without the dot. */
  extension: string;
}

/**
 * Fills in every default, and checks combinations of options. Throws an OptionsError with all problems, including those
 * already `found`.
 */
export function resolveOptions(
  values: CheckedOptions,
  outputPath: string,
  found: readonly string[] = [],
): ResolvedOptions {
  const problems = [...found];
  const unusable = pathFault(outputPath);
  const extension = unusable ? '' : extname(outputPath).slice(1).toLowerCase();
  if (unusable) problems.push(`output ${unusable}`);
  else if (!(EXTENSIONS as readonly string[]).includes(extension)) {
    const list = EXTENSIONS.map((name) => `.${name}`).join(', ');
    problems.push(`output ${outputPath || '(empty)'} must end in one of ${list}`);
  }
  if (values.frameCount === undefined && values.durationInSeconds === undefined) {
    problems.push('durationInSeconds or frameCount is missing: one of them says how long the video is');
  }
  const frameCount = values.frameCount ?? framesIn(values.durationInSeconds ?? 0, values.fps);
  if (frameCount > MAX_FRAMES)
    problems.push(`the video would have ${frameCount} frames; at most ${MAX_FRAMES} can be made`);

  const codec = chooseCodec(values, extension, problems);
  const scale = values.scale ?? 1;
  const pixelWidth = Math.round(values.width * scale);
  const pixelHeight = Math.round(values.height * scale);
  const pixelFormat = values.lossless ? codec.pixelFormats[0]! : (values.pixelFormat ?? codec.pixelFormats[0]!);
  const mode = chooseMode(values, codec, pixelFormat, problems);
  checkPicture({ codec, pixelFormat, pixelWidth, pixelHeight, scaled: scale !== 1 }, problems);
  if (problems.length > 0) throw new OptionsError(problems);

  return {
    width: values.width,
    height: values.height,
    fps: values.fps,
    startFrame: values.startFrame ?? 0,
    frameCount,
    scale,
    mode,
    fast: values.fast ?? false,
    webgl: values.webgl ?? 'auto',
    webgpu: values.browserConfig?.args?.includes('--enable-unsafe-webgpu') ?? false,
    inPage: mayEncodeInPage(values, codec, pixelFormat),
    pixelWidth,
    pixelHeight,
    codec,
    crf: values.videoBitrate ? undefined : (values.crf ?? codec.crf?.default),
    preset: values.preset,
    videoBitrate: values.videoBitrate,
    pixelFormat,
    lossless: values.lossless ?? false,
    inputProps: values.inputProps ?? {},
    randomSeed: values.randomSeed ?? 0,
    timeZone: values.timeZone ?? 'UTC',
    locale: values.locale ?? 'en-US',
    allowMissingAssets: values.allowMissingAssets ?? false,
    ignoreHttpsErrors: values.ignoreHttpsErrors ?? false,
    fileAccess: false,
    frameHashes: values.frameHashes,
    entry: values.entry ?? 'auto',
    seamFiles: values.seamFiles,
    endSeam: values.endSeam ?? true,
    joinable: values.joinable ?? false,
    encoderThreads: values.encoderThreads,
    ffmpegPath: values.ffmpegPath,
    ffprobePath: values.ffprobePath,
    browserConfig: values.browserConfig ?? {},
    hardening: values.hardening ?? true,
    deadlines: resolveDeadlines(values),
    limits: {
      timeoutMs: values.timeoutMs,
      maxMemoryMB: values.maxMemoryMB,
      minFreeDiskMB: values.minFreeDiskMB,
    },
    extension,
  };
}

/** The problem with an output's path, if any. */
function pathFault(path: unknown): string | undefined {
  if (typeof path !== 'string') return `must be the path of a file (given: ${printable(path)})`;
  return path.includes('\0') ? 'must not contain a null character' : undefined;
}

function resolveDeadlines(values: CheckedOptions): Record<DeadlineName, number> {
  const deadlines: Record<DeadlineName, number> = { ...DEFAULT_DEADLINES };
  if (values.stabilityTimeout !== undefined) deadlines.load = values.stabilityTimeout;
  for (const name of DEADLINES) {
    deadlines[name] = values.deadlines?.[name] ?? deadlines[name];
  }
  return deadlines;
}

function chooseCodec(values: CheckedOptions, extension: string, problems: string[]): Codec {
  if (values.lossless) {
    const clash = (['videoCodec', 'crf', 'preset', 'videoBitrate', 'pixelFormat'] as const).filter(
      (name) => values[name] !== undefined,
    );
    if (clash.length > 0) problems.push(`lossless decides ${clash.join(', ')} itself: leave one or the other out`);
    if (!LOSSLESS.containers.includes(extension)) problems.push('lossless needs an output that ends in .mkv or .mp4');
    return values.mode === 'compositor' ? LOSSLESS_PLANES : LOSSLESS;
  }
  const asked = values.videoCodec ?? defaultCodecName(extension);
  const name = codecName(asked);
  if (!name) {
    problems.push(`videoCodec ${asked} is not known: choose one of ${Object.keys(CODECS).join(', ')}`);
    return CODECS['h264']!;
  }
  const codec = CODECS[name]!;
  const { crf, preset, pixelFormat, videoBitrate } = values;
  if (!codec.containers.includes(extension) && (EXTENSIONS as readonly string[]).includes(extension)) {
    problems.push(
      `videoCodec ${name} does not go into .${extension}: use ${codec.containers.map((c) => `.${c}`).join(', ')}`,
    );
  }
  if (crf !== undefined && !codec.crf) problems.push(`crf does not apply to ${name}`);
  if (crf !== undefined && codec.crf && crf > codec.crf.max)
    problems.push(`crf must be from 0 to ${codec.crf.max} for ${name} (given: ${crf})`);
  if (crf !== undefined && videoBitrate !== undefined) problems.push('crf and videoBitrate exclude each other');
  if (preset !== undefined && !codec.presets?.includes(preset)) {
    const choice = codec.presets ? `: choose one of ${codec.presets.join(', ')}` : ': it has none';
    problems.push(`preset ${preset} does not exist for ${name}${choice}`);
  }
  if (pixelFormat !== undefined && !codec.pixelFormats.includes(pixelFormat)) {
    problems.push(
      `pixelFormat ${pixelFormat} does not go with ${name}: choose one of ${codec.pixelFormats.join(', ')}`,
    );
  }
  return codec;
}

/** The compositor delivers 4:2:0 planes with 8 bits, which the browser encodes as H.264. */
function chooseMode(values: CheckedOptions, codec: Codec, pixelFormat: string, problems: string[]): Mode {
  const mode = values.mode ?? 'auto';
  if (values.fast) {
    const clash = (['preset', 'lossless'] as const).filter((name) => isGiven(values[name]));
    if (clash.length > 0) problems.push(`fast sets the encoder by itself: leave ${clash.join(', ')} out`);
    else if (!codec.fast) problems.push('fast makes H.264: choose videoCodec h264');
  }
  if (pixelFormat === 'yuv420p') return mode;
  if (mode === 'compositor') problems.push(`mode compositor gives yuv420p, not ${pixelFormat}: use mode screenshot`);
  return mode === 'auto' ? 'screenshot' : mode;
}

/** The browser's encoder has no constant quality, and the pixels that it has received cannot be read for hashes. */
function mayEncodeInPage(values: CheckedOptions, codec: Codec, pixelFormat: string): boolean {
  const asked = (['crf', 'preset', 'lossless', 'frameHashes'] as const).some((name) => isGiven(values[name]));
  return !asked && codec.encoder === 'libx264' && pixelFormat === 'yuv420p';
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function checkPicture(
  picture: { codec: Codec; pixelFormat: string; pixelWidth: number; pixelHeight: number; scaled: boolean },
  problems: string[],
): void {
  for (const [name, size] of [
    ['width', picture.pixelWidth],
    ['height', picture.pixelHeight],
  ] as const) {
    const what = picture.scaled ? `${name} times scale` : name;
    if (size > MAX_SIDE) problems.push(`${what} is ${size} pixels; at most ${MAX_SIDE} can be drawn`);
    const halved =
      isSubsampled420(picture.pixelFormat) || (name === 'width' && picture.pixelFormat.startsWith('yuv422'));
    if (halved && size % 2 !== 0) {
      problems.push(
        `${what} is ${size}, which is odd: ${picture.pixelFormat} needs it even (or use pixelFormat yuv444p)`,
      );
    }
  }
}
