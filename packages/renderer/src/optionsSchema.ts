import { resolve } from 'node:path';
import { z } from 'zod';
import { parseFrameRate, type FrameRate } from './frameRate.js';

/** Largest picture side in pixels: what Chromium can raster and H.264 level 6.2 can hold. */
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
  /** Until every worker has stopped that was told to. What has not by then is a leftover. */
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

/** Whether something can be made of a value. */
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

/** What a program or the system is given as text: it ends at a null character. */
function withoutNull(what: string) {
  return text(what).refine((value) => !value.includes('\0'), { error: 'must not hold a null character' });
}

/** A path, made absolute: this process may go elsewhere while it renders. */
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
  /** The Chromium to use. Default: `GENLOCK_BROWSER`, then what the system has. */
  executablePath: command('the path of a browser').optional(),
  /** More command line switches for it. */
  args: z
    .array(
      z.string().refine((value) => !value.includes('\0'), { error: 'must not hold a null character' }),
      { error: 'must be a list of strings' },
    )
    .optional(),
  /**
   * Whether frames are issued one by one through begin-frame control. Default: where the browser
   * has it (chromium-headless-shell on Linux); false draws with `Page.captureScreenshot` instead.
   */
  beginFrameControl: flag().optional(),
});

const deadlines = z.strictObject(
  Object.fromEntries(DEADLINES.map((name) => [name, milliseconds.optional()])) as Record<
    DeadlineName,
    z.ZodOptional<typeof milliseconds>
  >,
);

export const rendererSchema = z.strictObject({
  /** Size of the page's view in CSS pixels. */
  width: wholeNumber(2, MAX_SIDE, 'of pixels '),
  height: wholeNumber(2, MAX_SIDE, 'of pixels '),
  /** Frames per second: a number, or a fraction such as `30000/1001`. */
  fps: frameRate,
  /** Length in seconds. Either this or `frameCount` is needed. */
  durationInSeconds: positive(24 * 3600, 'of seconds ').optional(),
  /** Length in frames; overrides `durationInSeconds`. */
  frameCount: wholeNumber(1, MAX_FRAMES, 'of frames ').optional(),
  /** First frame, from 0. Default 0. */
  startFrame: wholeNumber(0, MAX_FRAMES, '').optional(),
  /**
   * How frames are captured. `canvas`: from the canvas that is all there is to see on the page.
   * `compositor`: as 4:2:0 planes, as the browser's compositor puts them together. `screenshot`: as
   * lossless pictures, on every page, in every browser and pixel format, in about twice the time. `auto`:
   * the first of these that can be, which the `capture` event tells; the first one only where the
   * browser encodes. Default `auto`.
   */
  mode: z
    .enum(['auto', 'canvas', 'compositor', 'screenshot'], {
      error: 'must be auto, canvas, compositor or screenshot',
    })
    .optional(),
  /**
   * Has x264 take 50 to 70% of its time, at no less quality: files are about twice as large. The frames of a canvas
   * are encoded by the browser in any case, at a fixed bit rate (`videoBitrate`, by default 0.32 bits for
   * each pixel), unless `crf`, `preset`, `frameHashes` or another codec asks for more than it can do.
   * Default false.
   */
  fast: flag().optional(),
  /**
   * What draws WebGL. `swiftshader`: the browser's own driver, the same on every machine. `llvmpipe`: that of
   * Mesa, in half the time; a ToolError where it is not installed. `auto`: that one where it is installed, for a
   * page that has a context of WebGL when it has loaded. The two differ in the last bits of what they draw.
   * Default `auto`.
   */
  webgl: z.enum(['auto', 'llvmpipe', 'swiftshader'], { error: 'must be auto, llvmpipe or swiftshader' }).optional(),
  /** Pixels of video per CSS pixel, from 0.5 (the least that Chromium draws) to 8. Default 1. */
  scale: z.number({ error: SCALE_ERROR }).min(0.5, { error: SCALE_ERROR }).max(8, { error: SCALE_ERROR }).optional(),
  /** Codec: h264, h265, vp9, av1, prores, or the name of its ffmpeg encoder. Default: by file name, h264 or vp9. */
  videoCodec: text('the name of a codec').optional(),
  /** Constant quality: lower is better and larger. The range and default are the codec's. */
  crf: z.number({ error: 'must be a number' }).min(0, { error: 'must be 0 or more' }).optional(),
  /** Speed of the encoder, as the codec names it. Default: for H.264 superfast with a look-ahead, for H.265 veryfast, for AV1 8. */
  preset: text('the name of a preset').optional(),
  /** Bit rate such as `8M` or `500k`, instead of constant quality. */
  videoBitrate: z
    .string({ error: 'must be a bit rate such as 8M or 500k' })
    .regex(/^\d+(\.\d+)?[kM]?$/, { error: 'must be a bit rate such as 8M or 500k' })
    .optional(),
  /** Layout of the pixels in the file. Default: the codec's most widely played, yuv420p for most. */
  pixelFormat: text('the name of a pixel format').optional(),
  /**
   * Encodes the captured pixels without loss (.mkv or .mp4): the exact RGB of screenshots, or the planes
   * with `mode: 'compositor'`. Default false.
   */
  lossless: flag().optional(),
  /** What the page sees as `window.genlock.props`: any value that survives JSON. */
  inputProps: z.record(z.string(), z.unknown(), { error: 'must be an object' }).optional(),
  /** Seed of the page's `Math.random`. Default 0. */
  randomSeed: z.number({ error: 'must be a whole number' }).int({ error: 'must be a whole number' }).optional(),
  /** Time zone of the page's dates: an IANA name such as `Europe/Berlin`. Default UTC. */
  timeZone: z
    .string({ error: TIME_ZONE_ERROR })
    .refine((name) => canMake(() => new Intl.DateTimeFormat('en', { timeZone: name })), { error: TIME_ZONE_ERROR })
    .optional(),
  /** Language of the page: how dates and numbers are written, `navigator.language`. Default `en-US`. */
  locale: z
    .string({ error: LOCALE_ERROR })
    .refine((name) => canMake(() => new Intl.Locale(name)), { error: LOCALE_ERROR })
    .optional(),
  /** Go on when a file that the page needs does not load. Default false. */
  allowMissingAssets: flag().optional(),
  /**
   * Accepts https addresses whose certificates nobody vouches for, as those of development servers: self-signed,
   * expired, of another host. Default false: they are an error, which names this option.
   */
  ignoreHttpsErrors: flag().optional(),
  /** Writes a file with the SHA-256 of each captured frame's RGB: one line `<frame> <hash>` a frame. */
  frameHashes: path('the path of a file').optional(),
  /**
   * How a page is taken to a first frame that is not frame 0. `replay` runs it through every frame
   * before, without drawing them; `draw` draws them too, which is right on every page and takes as long as
   * rendering them; `seek` takes it straight there, which is right only for a page whose picture is a
   * function of the time. Default `auto`, which is `replay`.
   */
  entry: z.enum(['auto', 'seek', 'replay', 'draw'], { error: 'must be auto, seek, replay or draw' }).optional(),
  /**
   * Prefix of the files about the seams of this chunk: `<seamFiles>.entry.png` is the frame before its
   * first one, drawn but not in the video, `<seamFiles>.end.png` its last one; a `.json` beside each says what
   * was in the page. Default: none are written, and there are no `seam` events.
   */
  seamFiles: path('the path of a file').optional(),
  /** Whether a chunk follows, so that the last frame is at a seam. Default true; it matters only with `seamFiles`. */
  endSeam: flag().optional(),
  /**
   * Whether the file is to be joined to others: it is then written in ffmpeg's own way, else as a finished one.
   * Default false.
   */
  joinable: flag().optional(),
  /** Threads of the encoder. Default: as many as ffmpeg likes, or this worker's share of the cores. */
  encoderThreads: wholeNumber(1, 128, '').optional(),
  /** The ffmpeg to use. Default: `GENLOCK_FFMPEG`, then the one on the PATH. */
  ffmpegPath: command('the path of ffmpeg').optional(),
  /** The ffprobe to use. Default: the one beside ffmpeg, then the one on the PATH. */
  ffprobePath: command('the path of ffprobe').optional(),
  browserConfig: browserConfig.optional(),
  /** Lets the kernel end browsers and encoders with this process where the system can. Default true. */
  hardening: flag().optional(),
  /** How long each kind of waiting may go without progress, in milliseconds. */
  deadlines: deadlines.optional(),
  /** The same as `deadlines.load`: how long the page may take to be ready. */
  stabilityTimeout: milliseconds.optional(),
  /** How long the whole render may take, in milliseconds. Default: no limit. */
  timeoutMs: milliseconds.optional(),
  /** Memory of a worker with all its processes, in MB of 1000 kB, looked at once a second. Default: no limit. */
  maxMemoryMB: wholeNumber(1, 1e7, 'of MB ').optional(),
  /** Disk space in MB to be left free at TMPDIR and the output, before and during. Default: no limit. */
  minFreeDiskMB: wholeNumber(1, 1e9, 'of MB ').optional(),
});

export const distributedSchema = rendererSchema.extend({
  /** Number of workers, each with a browser and an encoder. Default: one for each core, at most 8. */
  concurrency: wholeNumber(1, 64, 'of workers ').optional(),
  /**
   * How often a chunk is begun again when its browser or encoder was killed from outside (a crash, a
   * signal, the system out of memory). Never after an error of the page. Default 0.
   */
  retries: wholeNumber(0, 10, '').optional(),
  /**
   * Length of a chunk in frames. Default: one chunk for each worker up to ten seconds of video each;
   * beyond that, chunks that shrink towards the end, so that the workers end together.
   */
  chunkFrames: wholeNumber(1, MAX_FRAMES, 'of frames ').optional(),
  /**
   * What becomes of a render when two workers draw the same frame differently, also once every frame has
   * been drawn again in order by one worker: `fail` is a SeamError, `warn` goes on with a warning that names each
   * such frame. Default `fail`.
   */
  seams: z.enum(['fail', 'warn'], { error: 'must be fail or warn' }).optional(),
  /**
   * Keeps each finished chunk, and uses those that an earlier render of the same frames has kept: a
   * render that was stopped goes on where it was. Default false.
   */
  keepChunks: flag().optional(),
  /** Where chunks are kept. Default: `GENLOCK_CACHE`, then the user's folder for caches. */
  cacheDirectory: path('the path of a folder').optional(),
  /**
   * Where a render that is stopped, or fails, puts a video of the finished chunks from its start, as far
   * as they go without a gap. Default: nowhere.
   */
  partialOutput: path('the path of a file').optional(),
});

export const poolSchema = z.strictObject({
  /**
   * How many browsers may wait for a render at once; one more ends the one that waits longest. Each
   * takes some 100 MB. Default: one for each core, at most 8.
   */
  size: wholeNumber(1, 64, 'of browsers ').optional(),
  /** How long a browser may wait for its next render, in milliseconds. Default 30 s. */
  idleMs: milliseconds.optional(),
  /** How many pages a browser may have had before it is ended, so that it cannot grow for ever. Default 50. */
  pagesPerBrowser: wholeNumber(1, 10_000, '').optional(),
});

export type RendererOptionsInput = z.input<typeof rendererSchema>;
export type DistributedOptionsInput = z.input<typeof distributedSchema>;
/** What a pool of browsers is made with. */
export type BrowserPoolOptions = z.input<typeof poolSchema>;
export type BrowserConfig = z.input<typeof browserConfig>;
export type Entry = NonNullable<RendererOptionsInput['entry']>;
export type Mode = NonNullable<RendererOptionsInput['mode']>;
export type WebGl = NonNullable<RendererOptionsInput['webgl']>;
/** Options of one range of frames after the schema, each one right by itself. */
export type CheckedOptions = z.output<typeof rendererSchema>;
