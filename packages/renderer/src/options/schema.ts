import { resolve } from 'node:path';
import { z } from 'zod';
import { parseFrameRate, type FrameRate } from './frameRate.js';
import type { BrowserPoolOptions, DistributedOptionsInput, RendererOptions } from './groups.js';

/** Largest side of the picture in pixels that Chromium can raster and H.264 level 6.2 allows. */
export const MAX_SIDE = 16_384;
const RATE_ERROR = 'must be a rate above 0 and at most 1000, such as 30, 23.976 or 30000/1001';
const SCALE_ERROR = 'must be a number from 0.5 to 8';
const TIME_ZONE_ERROR = 'must be the IANA name of a time zone, such as UTC or Europe/Berlin';
const LOCALE_ERROR = 'must be a language tag, such as en-US, de or zh-Hant-TW';
/** Longest render in frames: 24 hours at 120 frames per second. */
export const MAX_FRAMES = 24 * 3600 * 120;

/** How long each kind of waiting may go without progress, in milliseconds. */
export const DEFAULT_DEADLINES = {
  /** Until the browser answers. */
  launch: 30_000,
  /** Until the page has loaded and is ready for frame 0. */
  load: 30_000,
  /** One undrawn step towards the first frame of a chunk. */
  seek: 30_000,
  /** Drawing one frame. */
  capture: 30_000,
  /** Until the encoder takes one frame. */
  encode: 60_000,
  /** Until the encoder has written its file after the last frame. */
  drain: 120_000,
  /** Reading a file back to count its frames: each chunk and the whole. */
  verify: 600_000,
  /** Joining the chunks; and flushing a finished file to the disk. */
  concat: 600_000,
  /** Until every worker has stopped after an abort. Workers that have not stopped by then are leftovers. */
  stop: 10_000,
} as const;

export type DeadlineName = keyof typeof DEFAULT_DEADLINES;

/** The names of all deadlines, in the order of the phases. */
export const DEADLINES = Object.keys(DEFAULT_DEADLINES) as readonly DeadlineName[];

function wholeNumber(min: number, max: number, unit: string) {
  const error = `must be a whole number ${unit}from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

function positive(max: number, unit: string) {
  const error = `must be a number ${unit}above 0 and at most ${max}`;
  return z.number({ error }).positive({ error }).max(max, { error });
}

function flag() {
  return z.boolean({ error: 'must be true or false' });
}

function oneOf<const Word extends string>(...words: [Word, Word, ...Word[]]) {
  return z.enum(words, { error: `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` });
}

/** Whether a constructor or function accepts a value. */
function canMake(make: () => unknown): boolean {
  try {
    make();
    return true;
  } catch {
    return false;
  }
}

function text(what: string) {
  const error = `must be ${what}`;
  return z.string({ error }).min(1, { error });
}

/** Text passed to a program or the system, where it would end at a null character. */
function withoutNull(what: string) {
  return text(what).refine((value) => !value.includes('\0'), { error: 'must not contain a null character' });
}

/** A path, made absolute because the process may change its working directory during a render. */
function path(what: string) {
  return withoutNull(what).transform((value) => resolve(value));
}

/** A path, or the name of a command that is looked for on the PATH. */
function command(what: string) {
  return withoutNull(what).transform((value) => (/[/\\]/.test(value) ? resolve(value) : value));
}

const frameRate = z
  .union([z.number(), z.string(), z.object({ num: z.number(), den: z.number() })], { error: RATE_ERROR })
  .transform((value, context): FrameRate => {
    const rate = parseFrameRate(typeof value === 'object' ? `${value.num}/${value.den}` : value);
    if (rate) return rate;
    context.addIssue({
      code: 'custom',
      input: value,
      message: RATE_ERROR,
    });
    return z.NEVER;
  });

const milliseconds = wholeNumber(1, 24 * 3600 * 1000, 'of milliseconds ');

const browserConfig = z.strictObject({
  executablePath: command('the path of a browser').optional(),
  args: z
    .array(
      z.string().refine((value) => !value.includes('\0'), { error: 'must not contain a null character' }),
      { error: 'must be a list of strings' },
    )
    .optional(),
  beginFrameControl: flag().optional(),
});

const deadlines = z.strictObject(
  Object.fromEntries(DEADLINES.map((name) => [name, milliseconds.optional()])) as Record<
    DeadlineName,
    z.ZodOptional<typeof milliseconds>
  >,
);

/** Traits of an option. */
export interface OptionTraits {
  /** It is of the whole job, and not given to its chunks. */
  ofJob?: true;
  /** Chunks that are drawn by one page may differ in it. */
  ofChunk?: true;
  /** It changes how long something may take or where files are, and never what a chunk holds. */
  irrelevantToContent?: true;
}

/** The traits of those options that have any. */
export const optionTraits = z.registry<OptionTraits>();

/** What the picture is. */
const composition = {
  width: wholeNumber(2, MAX_SIDE, 'of pixels '),
  height: wholeNumber(2, MAX_SIDE, 'of pixels '),
  fps: frameRate,
  durationInSeconds: positive(24 * 3600, 'of seconds ')
    .optional()
    .register(optionTraits, { ofJob: true }),
  frameCount: wholeNumber(1, MAX_FRAMES, 'of frames ').optional().register(optionTraits, { ofChunk: true }),
  startFrame: wholeNumber(0, MAX_FRAMES, '').optional().register(optionTraits, { ofChunk: true }),
  scale: z.number({ error: SCALE_ERROR }).min(0.5, { error: SCALE_ERROR }).max(8, { error: SCALE_ERROR }).optional(),
  inputProps: z.record(z.string(), z.unknown(), { error: 'must be an object' }).optional(),
  randomSeed: z.number({ error: 'must be a whole number' }).int({ error: 'must be a whole number' }).optional(),
  timeZone: z
    .string({ error: TIME_ZONE_ERROR })
    .refine((name) => canMake(() => new Intl.DateTimeFormat('en', { timeZone: name })), { error: TIME_ZONE_ERROR })
    .optional(),
  locale: z
    .string({ error: LOCALE_ERROR })
    .refine((name) => canMake(() => new Intl.Locale(name)), { error: LOCALE_ERROR })
    .optional(),
  allowMissingAssets: flag().optional(),
  ignoreHttpsErrors: flag().optional(),
};

/** How it is encoded. */
const output = {
  videoCodec: text('the name of a codec').optional(),
  crf: z.number({ error: 'must be a number' }).min(0, { error: 'must be 0 or more' }).optional(),
  preset: text('the name of a preset').optional(),
  videoBitrate: z
    .string({ error: 'must be a bit rate such as 8M or 500k' })
    .regex(/^\d+(\.\d+)?[kM]?$/, { error: 'must be a bit rate such as 8M or 500k' })
    .optional(),
  pixelFormat: text('the name of a pixel format').optional(),
  lossless: flag().optional(),
  fast: flag().optional(),
};

/** How the work is done. */
const execution = {
  mode: oneOf('auto', 'canvas', 'compositor', 'screenshot').optional(),
  webgl: oneOf('auto', 'llvmpipe', 'swiftshader').optional(),
  entry: oneOf('auto', 'seek', 'replay', 'draw').optional(),
  endSeam: flag().optional().register(optionTraits, { ofChunk: true, irrelevantToContent: true }),
  joinable: flag().optional(),
  encoderThreads: wholeNumber(1, 128, '').optional(),
  deadlines: deadlines.optional().register(optionTraits, { irrelevantToContent: true }),
  stabilityTimeout: milliseconds.optional().register(optionTraits, { irrelevantToContent: true }),
  timeoutMs: milliseconds.optional().register(optionTraits, { ofJob: true }),
  maxMemoryMB: wholeNumber(1, 1e7, 'of MB ').optional().register(optionTraits, { irrelevantToContent: true }),
  minFreeDiskMB: wholeNumber(1, 1e9, 'of MB ').optional().register(optionTraits, { ofJob: true }),
};

/** Programs and files of this machine. */
const machine = {
  browserConfig: browserConfig.optional(),
  ffmpegPath: command('the path of ffmpeg').optional().register(optionTraits, { irrelevantToContent: true }),
  ffprobePath: command('the path of ffprobe').optional().register(optionTraits, { irrelevantToContent: true }),
  hardening: flag().optional().register(optionTraits, { irrelevantToContent: true }),
  frameHashes: path('the path of a file').optional().register(optionTraits, { ofChunk: true }),
  seamFiles: path('the path of a file').optional().register(optionTraits, { ofChunk: true, irrelevantToContent: true }),
};

/** How the work of a whole render is done. */
const renderExecution = {
  concurrency: wholeNumber(1, 64, 'of workers ').optional().register(optionTraits, { ofJob: true }),
  retries: wholeNumber(0, 10, '').optional().register(optionTraits, { ofJob: true }),
  chunkFrames: wholeNumber(1, MAX_FRAMES, 'of frames ').optional().register(optionTraits, { ofJob: true }),
  seams: oneOf('fail', 'warn').optional().register(optionTraits, { ofJob: true }),
  keepChunks: flag().optional().register(optionTraits, { ofJob: true }),
};

/** Files of a whole render on this machine. */
const renderMachine = {
  cacheDirectory: path('the path of a folder').optional().register(optionTraits, { ofJob: true }),
  partialOutput: path('the path of a file').optional().register(optionTraits, { ofJob: true }),
};

export const rendererSchema = z.strictObject({ ...composition, ...output, ...execution, ...machine });

/** What a caller from elsewhere may say of a render: all but what is this machine's. */
export const portableSchema = z.strictObject({ ...composition, ...output, ...execution, ...renderExecution });

export const distributedSchema = rendererSchema.extend({ ...renderExecution, ...renderMachine });

export const poolSchema = z.strictObject({
  size: wholeNumber(1, 64, 'of browsers ').optional(),
  idleMs: milliseconds.optional(),
  pagesPerBrowser: wholeNumber(1, 10_000, '').optional(),
});

/** The same with nothing left out: else a type that lacks an optional field would fit one that has it. */
type Whole<T> = T extends object ? { [Name in keyof T]-?: Whole<T[Name]> } : T;

/** Fails to compile where the schema has other options than the interface, or takes other values. */
type Same<A, B> = [Whole<A>] extends [Whole<B>] ? ([Whole<B>] extends [Whole<A>] ? true : never) : never;
true satisfies Same<z.input<typeof rendererSchema>, RendererOptions>;
true satisfies Same<z.input<typeof distributedSchema>, DistributedOptionsInput>;
true satisfies Same<z.input<typeof poolSchema>, BrowserPoolOptions>;

/** Options of one range of frames after the schema, each one right by itself. */
export type CheckedOptions = z.output<typeof rendererSchema>;
