import type { DistributedRenderOptions, Mode } from '@genlock/renderer';

/** What commander reads for every command that opens a page. All values are as they were typed. */
export interface PageFlags {
  output?: string;
  width?: string;
  height?: string;
  fps?: string;
  duration?: string;
  scale?: string;
  props?: string;
  seed?: string;
  mode?: string;
  allowMissingAssets?: boolean;
  browser?: string;
  browserArg?: string[];
  /** False with `--no-begin-frame`. */
  beginFrame?: boolean;
  root?: string;
  timeout?: string;
  overwrite?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** The flags of `genlock render`. */
export interface RenderFlags extends PageFlags {
  frames?: string;
  concurrency?: string;
  codec?: string;
  crf?: string;
  preset?: string;
  pixelFormat?: string;
  bitrate?: string;
  lossless?: boolean;
  frameHashes?: string;
  ffmpeg?: string;
}

/** The flags of `genlock still`. */
export interface StillFlags extends PageFlags {
  frame?: string;
}

/** The flag behind each option of the library, to word messages in the user's terms. */
export const FLAG_OF_OPTION: Readonly<Record<string, string>> = {
  width: '--width',
  height: '--height',
  fps: '--fps',
  durationInSeconds: '--duration',
  frameCount: '--frames',
  startFrame: '--frames',
  mode: '--mode',
  scale: '--scale',
  videoCodec: '--codec',
  crf: '--crf',
  preset: '--preset',
  videoBitrate: '--bitrate',
  pixelFormat: '--pixel-format',
  lossless: '--lossless',
  inputProps: '--props',
  randomSeed: '--seed',
  allowMissingAssets: '--allow-missing-assets',
  frameHashes: '--frame-hashes',
  ffmpegPath: '--ffmpeg',
  concurrency: '--concurrency',
  'browserConfig.executablePath': '--browser',
  'browserConfig.args': '--browser-arg',
  'browserConfig.beginFrameControl': '--no-begin-frame',
  'deadlines.load': '--timeout',
};

/** The options of the library with every field left out that was not asked for. */
export type GivenOptions = Partial<Omit<DistributedRenderOptions, 'executor'>>;

/**
 * The library's options for the flags that were given. Text that should be a number and is none goes
 * on as it is: the library's schema, the one place that checks options, words that fault too.
 */
export function optionsFromFlags(flags: RenderFlags): GivenOptions {
  const timeoutMs = timeoutFromFlag(flags.timeout);
  return defined({
    width: toNumber(flags.width),
    height: toNumber(flags.height),
    fps: flags.fps,
    durationInSeconds: toNumber(flags.duration),
    scale: toNumber(flags.scale),
    randomSeed: toNumber(flags.seed),
    mode: flags.mode as Mode | undefined,
    allowMissingAssets: flags.allowMissingAssets,
    concurrency: toNumber(flags.concurrency),
    videoCodec: flags.codec,
    crf: toNumber(flags.crf),
    preset: flags.preset,
    pixelFormat: flags.pixelFormat,
    videoBitrate: flags.bitrate,
    lossless: flags.lossless,
    frameHashes: flags.frameHashes,
    ffmpegPath: flags.ffmpeg,
    browserConfig: browserFromFlags(flags),
    deadlines: timeoutMs === undefined || Number.isNaN(timeoutMs) ? undefined : { load: timeoutMs },
  });
}

function browserFromFlags({ browser, browserArg, beginFrame }: PageFlags): GivenOptions['browserConfig'] | undefined {
  const config = defined({
    executablePath: browser,
    args: browserArg,
    beginFrameControl: beginFrame === false ? false : undefined,
  });
  return Object.keys(config).length > 0 ? config : undefined;
}

/** `--timeout` in milliseconds; NaN when it is not a number of seconds above 0. */
export function timeoutFromFlag(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds: unknown = toNumber(text);
  return typeof seconds === 'number' && seconds > 0 && seconds <= 24 * 3600 ? Math.ceil(seconds * 1000) : NaN;
}

/** Frames `a-b`, from 0, both included. */
export interface FrameRange {
  first: number;
  last: number;
}

/** Reads `--frames`: `a-b`, or one frame `a`. A string is the fault, for people. */
export function parseFrameRange(text: string): FrameRange | string {
  const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(text);
  if (!match) return `--frames must be a range such as 0-59, counted from 0 with both ends included (given: ${text})`;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > last) return `--frames is reversed: ${first}-${last} ends before it begins`;
  return Number.isSafeInteger(last) ? { first, last } : `--frames is too large (given: ${text})`;
}

/** Reads `--frame`: one frame number from 0. A string is the fault, for people. */
export function parseFrameNumber(text: string | undefined): number | string {
  if (text === undefined) return 'no frame given: --frame 0 is the first one';
  const frame: unknown = toNumber(text);
  const usable = typeof frame === 'number' && Number.isSafeInteger(frame) && frame >= 0;
  return usable ? frame : `--frame must be a whole number from 0 (given: ${text})`;
}

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A number as it was typed; other text as it is. */
export function toNumber(text: string): number;
export function toNumber(text: string | undefined): number | undefined;
export function toNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return NUMBER.test(text) ? Number(text) : (text as unknown as number);
}

/** The object without its undefined fields. */
export function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
