import type { BrowserConfig, DistributedRenderOptions, StillOptions, VerifyOptions } from '@genlock/renderer';

/**
 * The one table of command-line flags for the library's options: program.ts defines the flags and their help from it,
 * flags.ts reads their values, messages.ts uses their names. It compiles only if every option of the schema, and
 * nothing else, has an entry whose way of reading suits the option's type. Which values are valid is up to the schema.
 */

/** Every option of the library, with each browser option on its own. */
type Options = Omit<Required<DistributedRenderOptions>, 'executor' | 'browserConfig'> & {
  [Name in keyof Required<BrowserConfig> as `browserConfig.${Name}`]: Required<BrowserConfig>[Name];
} & Pick<StillOptions, 'frame'> &
  Required<Pick<VerifyOptions, 'samples' | 'sampleFrames'>>;

export interface OptionFlag<Reading extends string = string> {
  /** The flag in commander's notation: `--fps <rate>`. */
  flag: string;
  help: string;
  /** An alternative name, hidden from the help. */
  alias?: string;
  /**
   * How the typed text becomes the option's value. `on` and `off`: a switch without a value. `list`: repeated, one
   * value each time. `time`, `times`: milliseconds. `apart`: read by code of its own.
   */
  read: Reading;
}

/** The ways of reading that can produce this type of value. */
type ReadingOf<Value> =
  | 'apart'
  | (Value extends boolean
      ? 'on' | 'off'
      : Value extends number
        ? 'number' | 'time'
        : Value extends string
          ? 'text'
          : Value extends readonly string[]
            ? 'list'
            : 'times');

/** An option's flag, or the option whose flag also sets it, or the reason why it has no flag. */
type OptionFlags = {
  [Name in keyof Options]: OptionFlag<ReadingOf<NonNullable<Options[Name]>>> | { by: keyof Options } | { none: string };
};

/** In the sections and the order of the help. */
export const SECTIONS = {
  composition: {
    width: { flag: '--width <pixels>', read: 'number', help: 'width of the page' },
    height: { flag: '--height <pixels>', read: 'number', help: 'height of the page' },
    fps: { flag: '--fps <rate>', read: 'text', help: 'frames per second: 30, 23.976, 30000/1001' },
    scale: { flag: '--scale <factor>', read: 'number', help: 'pixels of video per CSS pixel (default: 1)' },
    inputProps: {
      flag: '--props <json|file>',
      read: 'apart',
      help: 'value of window.genlock.props: a JSON object, or a file that contains one',
    },
    randomSeed: { flag: '--seed <n>', read: 'number', help: "seed of the page's random numbers (default: 0)" },
    timeZone: {
      flag: '--time-zone <name>',
      read: 'text',
      help: "time zone of the page's dates, such as Europe/Berlin (default: UTC)",
    },
    locale: {
      flag: '--locale <tag>',
      read: 'text',
      help: "language of the page's dates and numbers (default: en-US)",
    },
  },
  frame: {
    frame: { flag: '--frame <n>', read: 'apart', help: 'the frame to draw, counted from 0' },
  },
  length: {
    durationInSeconds: { flag: '--duration <seconds>', read: 'number', help: 'length of the composition' },
  },
  range: {
    frameCount: {
      flag: '--frames <a-b>',
      read: 'apart',
      help: 'render only these frames, counted from 0, both ends included',
    },
    startFrame: { by: 'frameCount' },
  },
  encoding: {
    videoCodec: {
      flag: '--codec <name>',
      read: 'text',
      help: 'h264, h265, vp9, av1 or prores (default: h264; vp9 for .webm)',
    },
    crf: { flag: '--crf <number>', read: 'number', help: 'constant quality: lower is better and makes larger files' },
    videoBitrate: { flag: '--bitrate <rate>', read: 'text', help: 'bit rate, such as 8M, instead of --crf' },
    preset: {
      flag: '--preset <name>',
      read: 'text',
      help: 'encoder speed, such as medium: slower presets make smaller files',
    },
    fast: {
      flag: '--fast',
      read: 'on',
      help: 'encode in half to two thirds of the time: same quality or better, files about twice as large (x264)',
    },
    pixelFormat: { flag: '--pixel-format <name>', read: 'text', help: 'yuv420p, yuv422p, yuv444p, ...' },
    lossless: { flag: '--lossless', read: 'on', help: 'keep exactly the captured RGB (.mkv or .mp4)' },
    frameHashes: { flag: '--frame-hashes <file>', read: 'text', help: 'write the SHA-256 of each captured frame' },
  },
  samples: {
    samples: {
      flag: '--samples <n>',
      read: 'number',
      help: 'number of samples, spread from start to end (default: 3)',
    },
    sampleFrames: { flag: '--sample-frames <n>', read: 'number', help: 'length of each sample in frames (default: 8)' },
  },
  workers: {
    concurrency: {
      flag: '--concurrency <n>',
      read: 'number',
      help: 'number of workers (default: one per core, at most 8)',
    },
  },
  chunks: {
    chunkFrames: {
      flag: '--chunk-frames <n>',
      read: 'number',
      help: 'frames per chunk (default: one chunk per worker, up to 10 s of video each)',
    },
    seams: {
      flag: '--seams <way>',
      read: 'text',
      help: 'if two workers draw the same frame differently: fail, or warn and continue (default: fail)',
    },
    keepChunks: {
      flag: '--resume',
      alias: '--keep-chunks',
      read: 'on',
      help: 'keep finished chunks, and reuse those that a stopped render has kept',
    },
    cacheDirectory: {
      flag: '--cache <folder>',
      read: 'text',
      help: "folder for kept chunks (or GENLOCK_CACHE; default: the user's cache folder)",
    },
    partialOutput: {
      flag: '--partial [file]',
      read: 'apart',
      help: 'if stopped, save the finished beginning of the video (default: <name>.partial.<ext>)',
    },
    retries: {
      flag: '--retries <n>',
      read: 'number',
      help: 'how often to restart a chunk whose browser or encoder was killed (default: 0)',
    },
    ffmpegPath: { flag: '--ffmpeg <path>', read: 'text', help: 'the ffmpeg to use (or GENLOCK_FFMPEG)' },
  },
  entry: {
    entry: {
      flag: '--entry <way>',
      read: 'text',
      help: 'how a worker reaches its first frame: auto, seek, replay or draw (default: auto)',
    },
  },
  capture: {
    mode: {
      flag: '--mode <name>',
      read: 'text',
      help: 'how frames are captured: auto, canvas, compositor or screenshot (default: auto)',
    },
    webgl: {
      flag: '--webgl <name>',
      read: 'text',
      help: 'what draws WebGL: auto, llvmpipe (if installed) or swiftshader (default: auto)',
    },
  },
  browser: {
    allowMissingAssets: {
      flag: '--allow-missing-assets',
      read: 'on',
      help: 'continue when a file that the page needs does not load',
    },
    ignoreHttpsErrors: {
      flag: '--ignore-https-errors',
      read: 'on',
      help: 'accept invalid certificates, such as self-signed ones',
    },
    'browserConfig.executablePath': {
      flag: '--browser <path>',
      read: 'text',
      help: 'the browser to use (or GENLOCK_BROWSER)',
    },
    'browserConfig.args': {
      flag: '--browser-arg <switch>',
      read: 'list',
      help: 'extra switch for the browser; can be repeated',
    },
    'browserConfig.beginFrameControl': {
      flag: '--no-begin-frame',
      read: 'off',
      help: 'capture with plain screenshots, as with browsers that lack begin-frame control',
    },
    hardening: {
      flag: '--no-hardening',
      read: 'off',
      help: 'do not have the kernel end browsers and encoders with this process (setpriv, unshare)',
    },
  },
  limits: {
    timeoutMs: {
      flag: '--timeout <time>',
      read: 'time',
      help: 'longest time for the whole command: 90 or 90s, 500ms, 10m (default: no limit)',
    },
    deadlines: {
      flag: '--deadline <phase=time>',
      read: 'times',
      help:
        'longest single wait in a phase; can be repeated. Phases and defaults in seconds: ' +
        'launch, load, seek, capture (30 each), encode (60), drain (120), verify, concat (600 each), stop (10)',
    },
    maxMemoryMB: {
      flag: '--max-memory <MB>',
      read: 'number',
      help: 'most memory for one worker with all its processes (default: no limit)',
    },
    minFreeDiskMB: {
      flag: '--min-free-disk <MB>',
      read: 'number',
      help: 'disk space to leave free, before and during the render (default: no limit)',
    },
  },
  noFlag: {
    stabilityTimeout: { none: 'an older name of deadlines.load' },
    encoderThreads: { none: 'the workers share the cores' },
    ffprobePath: { none: 'ffprobe is found next to ffmpeg' },
    endSeam: { none: 'set by the render for each chunk' },
    joinable: { none: 'set by the render for each chunk' },
    seamFiles: { none: 'set by the render for each chunk' },
  },
} as const satisfies Readonly<Record<string, Partial<OptionFlags>>>;

/** All sections together. */
export const OPTION_FLAGS = {
  ...SECTIONS.composition,
  ...SECTIONS.frame,
  ...SECTIONS.length,
  ...SECTIONS.range,
  ...SECTIONS.encoding,
  ...SECTIONS.samples,
  ...SECTIONS.workers,
  ...SECTIONS.chunks,
  ...SECTIONS.entry,
  ...SECTIONS.capture,
  ...SECTIONS.browser,
  ...SECTIONS.limits,
  ...SECTIONS.noFlag,
} satisfies OptionFlags;

/** The options that have a flag of their own. */
export type FlaggedOption = {
  [Name in keyof typeof OPTION_FLAGS]: (typeof OPTION_FLAGS)[Name] extends OptionFlag ? Name : never;
}[keyof typeof OPTION_FLAGS];
