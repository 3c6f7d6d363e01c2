import type { BrowserConfig, DistributedRenderOptions, StillOptions, VerifyOptions } from '@genlock/renderer';

/**
 * The flags of the library's options, each once: program.ts makes the flags and their help of them, flags.ts reads
 * them, messages.ts names them. The compiler holds this table to the options' schema: it wants an entry for every
 * option, none for what is no option, and a way of reading that suits its values. Which values are right is for the
 * schema to say.
 */

/** Every option of the library; those of the browser one by one. */
type Options = Omit<Required<DistributedRenderOptions>, 'executor' | 'browserConfig'> & {
  [Name in keyof Required<BrowserConfig> as `browserConfig.${Name}`]: Required<BrowserConfig>[Name];
} & Pick<StillOptions, 'frame'> &
  Required<Pick<VerifyOptions, 'samples' | 'sampleFrames'>>;

export interface OptionFlag<Reading extends string = string> {
  /** As it is typed. */
  flag: string;
  help: string;
  /** Another name, which the help does not show. */
  alias?: string;
  /**
   * How its text becomes the option's value: `on` and `off` are there or not, a `list` is given one by one, `time` and
   * `times` are milliseconds. What is read `apart` is more than its text.
   */
  read: Reading;
}

/** The ways of reading that can lead to this value. */
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

/** The flag of an option; or the option whose flag sets it as well; or why it has none. */
type OptionFlags = {
  [Name in keyof Options]: OptionFlag<ReadingOf<NonNullable<Options[Name]>>> | { by: keyof Options } | { none: string };
};

/** In the order of the help, which has them in these sections. */
export const SECTIONS = {
  composition: {
    width: { flag: '--width <pixels>', read: 'number', help: 'width of the page' },
    height: { flag: '--height <pixels>', read: 'number', help: 'height of the page' },
    fps: { flag: '--fps <rate>', read: 'text', help: 'frames per second: 30, 23.976, 30000/1001' },
    scale: { flag: '--scale <factor>', read: 'number', help: 'pixels of video per CSS pixel (default: 1)' },
    inputProps: {
      flag: '--props <json|file>',
      read: 'apart',
      help: 'window.genlock.props: a JSON object, or a file that holds one',
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
    frame: { flag: '--frame <n>', read: 'apart', help: 'the frame, counted from 0' },
  },
  length: {
    durationInSeconds: { flag: '--duration <seconds>', read: 'number', help: 'length of the composition' },
  },
  range: {
    frameCount: {
      flag: '--frames <a-b>',
      read: 'apart',
      help: 'only these frames, counted from 0, both included',
    },
    startFrame: { by: 'frameCount' },
  },
  encoding: {
    videoCodec: {
      flag: '--codec <name>',
      read: 'text',
      help: 'h264, h265, vp9, av1 or prores (default: h264, vp9 for .webm)',
    },
    crf: { flag: '--crf <number>', read: 'number', help: 'constant quality: lower is better and larger' },
    videoBitrate: { flag: '--bitrate <rate>', read: 'text', help: 'bit rate such as 8M, instead of --crf' },
    preset: {
      flag: '--preset <name>',
      read: 'text',
      help: 'speed of the encoder, such as medium: slower, smaller files',
    },
    fast: {
      flag: '--fast',
      read: 'on',
      help: 'let x264 take half to two thirds of its time: no less quality, files about twice as large',
    },
    pixelFormat: { flag: '--pixel-format <name>', read: 'text', help: 'yuv420p, yuv422p, yuv444p, ...' },
    lossless: { flag: '--lossless', read: 'on', help: 'keep exactly the captured RGB (.mkv or .mp4)' },
    frameHashes: { flag: '--frame-hashes <file>', read: 'text', help: 'write the SHA-256 of each captured frame' },
  },
  samples: {
    samples: {
      flag: '--samples <n>',
      read: 'number',
      help: 'number of ranges that are drawn, from the start to the end (default: 3)',
    },
    sampleFrames: { flag: '--sample-frames <n>', read: 'number', help: 'length of each in frames (default: 8)' },
  },
  workers: {
    concurrency: {
      flag: '--concurrency <n>',
      read: 'number',
      help: 'number of workers (default: one for each core, at most 8)',
    },
  },
  chunks: {
    chunkFrames: {
      flag: '--chunk-frames <n>',
      read: 'number',
      help: 'length of a chunk (default: one for each worker up to 10 s of video each)',
    },
    seams: {
      flag: '--seams <way>',
      read: 'text',
      help: 'when two workers draw a frame differently: fail, or warn and go on (default: fail)',
    },
    keepChunks: {
      flag: '--resume',
      alias: '--keep-chunks',
      read: 'on',
      help: 'keep finished chunks, and go on from those that a stopped render has kept',
    },
    cacheDirectory: {
      flag: '--cache <folder>',
      read: 'text',
      help: "where chunks are kept (or GENLOCK_CACHE; default: the user's folder for caches)",
    },
    partialOutput: {
      flag: '--partial [file]',
      read: 'apart',
      help: 'when stopped, save the finished part from the start (default: <name>.partial.<ext>)',
    },
    retries: {
      flag: '--retries <n>',
      read: 'number',
      help: 'begin a chunk again when its browser or encoder was killed (default: 0)',
    },
    ffmpegPath: { flag: '--ffmpeg <path>', read: 'text', help: 'the ffmpeg to use (or GENLOCK_FFMPEG)' },
  },
  entry: {
    entry: {
      flag: '--entry <way>',
      read: 'text',
      help: 'how a worker comes to its first frame: auto, seek, replay or draw (default: auto)',
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
      help: 'go on when a file that the page needs does not load',
    },
    ignoreHttpsErrors: {
      flag: '--ignore-https-errors',
      read: 'on',
      help: 'accept certificates that nobody vouches for, such as self-signed ones',
    },
    'browserConfig.executablePath': {
      flag: '--browser <path>',
      read: 'text',
      help: 'the browser to use (or GENLOCK_BROWSER)',
    },
    'browserConfig.args': {
      flag: '--browser-arg <switch>',
      read: 'list',
      help: 'one more switch for the browser; can be repeated',
    },
    'browserConfig.beginFrameControl': {
      flag: '--no-begin-frame',
      read: 'off',
      help: 'capture with plain screenshots, as other browsers must',
    },
    hardening: {
      flag: '--no-hardening',
      read: 'off',
      help: 'do not let the kernel end processes with this one (setpriv, unshare)',
    },
  },
  limits: {
    timeoutMs: {
      flag: '--timeout <time>',
      read: 'time',
      help: 'how long it may take in all: 90 or 90s, 500ms, 10m (default: no limit)',
    },
    deadlines: {
      flag: '--deadline <phase=time>',
      read: 'times',
      help:
        'how long one wait may be; can be repeated: launch, load, seek, capture (30 each), ' +
        'encode (60), drain (120), verify, concat (600 each), stop (10)',
    },
    maxMemoryMB: {
      flag: '--max-memory <MB>',
      read: 'number',
      help: 'memory of a worker with all its processes (default: no limit)',
    },
    minFreeDiskMB: {
      flag: '--min-free-disk <MB>',
      read: 'number',
      help: 'disk space to leave free, before and during (default: no limit)',
    },
  },
  noFlag: {
    stabilityTimeout: { none: 'it is another name of deadlines.load' },
    encoderThreads: { none: 'the workers share the cores' },
    ffprobePath: { none: 'it is found beside ffmpeg' },
    endSeam: { none: 'a render decides it for each chunk' },
    joinable: { none: 'a render decides it for each chunk' },
    seamFiles: { none: 'a render decides it for each chunk' },
  },
} as const satisfies Readonly<Record<string, Partial<OptionFlags>>>;

/** The sections in one. */
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
