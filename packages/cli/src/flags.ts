import { join, parse } from 'node:path';
import { DEADLINES, type DistributedRenderOptions, type Entry, type Mode, type WebGl } from '@genlock/renderer';

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
  timeZone?: string;
  locale?: string;
  mode?: string;
  fast?: boolean;
  webgl?: string;
  entry?: string;
  allowMissingAssets?: boolean;
  ignoreHttpsErrors?: boolean;
  browser?: string;
  browserArg?: string[];
  /** False with `--no-begin-frame`. */
  beginFrame?: boolean;
  /** False with `--no-hardening`. */
  hardening?: boolean;
  root?: string;
  allowDotfiles?: boolean;
  timeout?: string;
  /** `phase=time`, as often as it was given. */
  deadline?: string[];
  maxMemory?: string;
  minFreeDisk?: string;
  overwrite?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** The flags of `genlock render`. */
export interface RenderFlags extends PageFlags {
  frames?: string;
  concurrency?: string;
  retries?: string;
  chunkFrames?: string;
  seams?: string;
  resume?: boolean;
  keepChunks?: boolean;
  cache?: string;
  /** A path; true without one. */
  partial?: string | true;
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

/** The flags of `genlock verify`. */
export interface VerifyFlags extends PageFlags {
  concurrency?: string;
  samples?: string;
  sampleFrames?: string;
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
  fast: '--fast',
  webgl: '--webgl',
  scale: '--scale',
  videoCodec: '--codec',
  crf: '--crf',
  preset: '--preset',
  videoBitrate: '--bitrate',
  pixelFormat: '--pixel-format',
  lossless: '--lossless',
  inputProps: '--props',
  randomSeed: '--seed',
  timeZone: '--time-zone',
  locale: '--locale',
  allowMissingAssets: '--allow-missing-assets',
  ignoreHttpsErrors: '--ignore-https-errors',
  frameHashes: '--frame-hashes',
  ffmpegPath: '--ffmpeg',
  concurrency: '--concurrency',
  'browserConfig.executablePath': '--browser',
  'browserConfig.args': '--browser-arg',
  'browserConfig.beginFrameControl': '--no-begin-frame',
  timeoutMs: '--timeout',
  maxMemoryMB: '--max-memory',
  minFreeDiskMB: '--min-free-disk',
  retries: '--retries',
  entry: '--entry',
  chunkFrames: '--chunk-frames',
  seams: '--seams',
  keepChunks: '--resume',
  cacheDirectory: '--cache',
  partialOutput: '--partial',
  samples: '--samples',
  sampleFrames: '--sample-frames',
  ...Object.fromEntries(DEADLINES.map((name) => [`deadlines.${name}`, `--deadline ${name}`])),
};

/** The options of the library with every field left out that was not asked for. */
export type GivenOptions = Partial<Omit<DistributedRenderOptions, 'executor'>>;

/**
 * The library's options for the flags that were given. Text that should be a number and is none goes
 * on as it is: the library's schema, the one place that checks options, words that fault too.
 */
export function optionsFromFlags(flags: RenderFlags): GivenOptions {
  const timeoutMs = parseTimeout(flags.timeout);
  const deadlines = parseDeadlines(flags.deadline);
  return defined({
    width: toNumber(flags.width),
    height: toNumber(flags.height),
    fps: flags.fps,
    durationInSeconds: toNumber(flags.duration),
    scale: toNumber(flags.scale),
    randomSeed: toNumber(flags.seed),
    timeZone: flags.timeZone,
    locale: flags.locale,
    mode: flags.mode as Mode | undefined,
    fast: flags.fast,
    webgl: flags.webgl as WebGl | undefined,
    entry: flags.entry as Entry | undefined,
    allowMissingAssets: flags.allowMissingAssets,
    ignoreHttpsErrors: flags.ignoreHttpsErrors,
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
    hardening: flags.hardening === false ? false : undefined,
    retries: toNumber(flags.retries),
    chunkFrames: toNumber(flags.chunkFrames),
    seams: flags.seams as GivenOptions['seams'],
    keepChunks: flags.resume || flags.keepChunks || undefined,
    cacheDirectory: flags.cache,
    partialOutput: flags.partial === true ? partialName(flags.output ?? '') : flags.partial,
    maxMemoryMB: toNumber(flags.maxMemory),
    minFreeDiskMB: toNumber(flags.minFreeDisk),
    // What could not be read is told with the other faults of the request.
    timeoutMs: typeof timeoutMs === 'string' ? undefined : timeoutMs,
    deadlines: typeof deadlines === 'string' ? undefined : deadlines,
  });
}

/** The name of a video's finished part: `film.mp4` gives `film.partial.mp4`. */
function partialName(output: string): string {
  const { dir, name, ext } = parse(output);
  return join(dir, `${name}.partial${ext}`);
}

function browserFromFlags({ browser, browserArg, beginFrame }: PageFlags): GivenOptions['browserConfig'] | undefined {
  const config = defined({
    executablePath: browser,
    args: browserArg,
    beginFrameControl: beginFrame === false ? false : undefined,
  });
  return Object.keys(config).length > 0 ? config : undefined;
}

const LONGEST_MS = 24 * 3600 * 1000;
const TIME_ADVICE = 'a time above 0 and at most a day, such as 30 or 2.5 (seconds), 500ms or 10m';
const MS_OF_UNIT: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A time in whole milliseconds: a number of seconds, or with its unit `500ms`, `30s`, `10m`, `1h`. */
function parseTime(text: string): number | undefined {
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*(ms|s|m|h|)\s*$/.exec(text);
  if (!match) return undefined;
  const milliseconds = Math.ceil(Number(match[1]) * MS_OF_UNIT[match[2]!]!);
  return milliseconds > 0 && milliseconds <= LONGEST_MS ? milliseconds : undefined;
}

/** `--timeout` in milliseconds. A string is the fault, for people. */
export function parseTimeout(text: string | undefined): number | string | undefined {
  return text === undefined ? undefined : (parseTime(text) ?? `--timeout must be ${TIME_ADVICE} (given: ${text})`);
}

type Deadlines = NonNullable<GivenOptions['deadlines']>;

/** Every `--deadline phase=time` in milliseconds; of two for one phase the later counts. A string is the fault. */
export function parseDeadlines(texts: readonly string[] | undefined): Deadlines | string | undefined {
  if (texts === undefined) return undefined;
  const deadlines: Deadlines = {};
  for (const text of texts) {
    const [phase = '', time] = text.split('=', 2).map((part) => part.trim());
    const name = DEADLINES.find((known) => known === phase);
    if (!name) return `--deadline must be one of ${DEADLINES.join(', ')}, = and a time (given: ${text})`;
    const milliseconds = parseTime(time ?? '');
    if (milliseconds === undefined) return `--deadline ${name}= must be ${TIME_ADVICE} (given: ${text})`;
    deadlines[name] = milliseconds;
  }
  return deadlines;
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
