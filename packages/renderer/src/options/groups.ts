import type { FrameRate } from './frameRate.js';

/**
 * The options of a render, in four groups. Their docstrings are here, where editors find them; `schema.ts` defines the
 * valid values, and the compiler checks that both agree.
 *
 * Composition, output and execution do not depend on the machine that renders, so a remote caller may set them. The
 * group `machine` names programs and files of this machine, and may only be set on it.
 */

/** How frames are captured. The option `mode` explains each value. */
export type Mode = 'auto' | 'canvas' | 'compositor' | 'screenshot';
/** What draws WebGL. The option `webgl` explains each value. */
export type WebGl = 'auto' | 'llvmpipe' | 'swiftshader';
/** How a page reaches its first frame. The option `entry` explains each value. */
export type Entry = 'auto' | 'seek' | 'replay' | 'draw';

/** What the picture is: the page, its size, its time. */
export interface CompositionOptions {
  /** Width of the page's view in CSS pixels. */
  width: number;
  /** Height of the page's view in CSS pixels. */
  height: number;
  /** Frames per second: a number, or a fraction such as `30000/1001`. */
  fps: number | string | FrameRate;
  /** Length in seconds. Either this or `frameCount` is needed. */
  durationInSeconds?: number | undefined;
  /** Length in frames; overrides `durationInSeconds`. */
  frameCount?: number | undefined;
  /** First frame, from 0. Default 0. */
  startFrame?: number | undefined;
  /** Pixels of video per CSS pixel, from 0.5 (the least that Chromium draws) to 8. Default 1. */
  scale?: number | undefined;
  /** What the page sees as `window.genlock.props`: any value that survives JSON. */
  inputProps?: Record<string, unknown> | undefined;
  /** Seed of the page's `Math.random`. Default 0. */
  randomSeed?: number | undefined;
  /** Time zone of the page's dates: an IANA name such as `Europe/Berlin`. Default UTC. */
  timeZone?: string | undefined;
  /** Language of the page: how dates and numbers are written, `navigator.language`. Default `en-US`. */
  locale?: string | undefined;
  /** Continue when a file that the page needs does not load. Default false. */
  allowMissingAssets?: boolean | undefined;
  /**
   * Accepts https addresses with invalid certificates, such as those of development servers: self-signed, expired, or
   * for another host. Default false: they are an error that mentions this option.
   */
  ignoreHttpsErrors?: boolean | undefined;
}

/** How the pictures are encoded. */
export interface OutputOptions {
  /** Codec: h264, h265, vp9, av1, prores, or the name of its ffmpeg encoder. Default: by file name, h264 or vp9. */
  videoCodec?: string | undefined;
  /** Constant quality: lower is better and makes larger files. Range and default depend on the codec. */
  crf?: number | undefined;
  /** Speed of the encoder, as the codec names it. Default: for H.264 superfast with a look-ahead, for H.265 veryfast, for AV1 8. */
  preset?: string | undefined;
  /** Bit rate such as `8M` or `500k`, instead of constant quality. */
  videoBitrate?: string | undefined;
  /** Pixel format of the file. Default: the codec's most widely supported one, yuv420p for most. */
  pixelFormat?: string | undefined;
  /**
   * Encodes the captured pixels without loss (.mkv or .mp4): the exact RGB of screenshots, or the planes
   * with `mode: 'compositor'`. Default false.
   */
  lossless?: boolean | undefined;
  /**
   * Reduces x264's time to 50 to 70 %, at no less quality, for files about twice as large. No effect on the frames of
   * a canvas that the browser encodes at a fixed bit rate (`videoBitrate`, by default 0.32 bits per pixel), which it
   * does unless `crf`, `preset`, `frameHashes` or another codec requires more than it can do. Default false.
   */
  fast?: boolean | undefined;
}

/** How long each kind of waiting may go without progress, in milliseconds. */
export interface Deadlines {
  /** Until the browser answers. Default 30 s. */
  launch?: number | undefined;
  /** Until the page has loaded and is ready for frame 0. Default 30 s. */
  load?: number | undefined;
  /** One undrawn step towards the first frame of a chunk. Default 30 s. */
  seek?: number | undefined;
  /** Drawing one frame. Default 30 s. */
  capture?: number | undefined;
  /** Until the encoder takes one frame. Default 60 s. */
  encode?: number | undefined;
  /** Until the encoder has finished its file after the last frame. Default 120 s. */
  drain?: number | undefined;
  /** Reading a file back to count its frames: each chunk and the whole. Default 600 s. */
  verify?: number | undefined;
  /** Joining the chunks; and flushing a finished file to the disk. Default 600 s. */
  concat?: number | undefined;
  /** Until every worker has stopped after an abort. Workers that have not stopped by then are leftovers. Default 10 s. */
  stop?: number | undefined;
}

/** How the work is done, on any machine. */
export interface ExecutionOptions {
  /**
   * How frames are captured. `canvas`: from a canvas that is all that the page shows. `compositor`: as 4:2:0 planes
   * from the browser's compositor. `screenshot`: as lossless pictures, which works for every page, browser and pixel
   * format and takes about twice as long. `auto`: the first of these that is possible, but `canvas` only if the
   * browser encodes; the `capture` event reports the choice. Default `auto`.
   */
  mode?: Mode | undefined;
  /**
   * What draws WebGL. `swiftshader`: the browser's own driver, the same on every machine. `llvmpipe`: Mesa's driver,
   * which takes half the time; a ToolError if it is not installed. `auto`: llvmpipe if it is installed and the page has
   * a WebGL context when it has loaded. The two differ in the last bits of what they draw. Default `auto`.
   */
  webgl?: WebGl | undefined;
  /**
   * How a page reaches a first frame other than frame 0. `replay` runs it through every earlier frame without drawing.
   * `draw` also draws them, which is right for every page and takes as long as rendering them. `seek` jumps straight
   * there, which is right only if the page's picture depends on the time alone. Default `auto`, which is `replay`.
   */
  entry?: Entry | undefined;
  /** Whether another chunk follows, so that the last frame is at a seam. Only used with `seamFiles`. Default true. */
  endSeam?: boolean | undefined;
  /**
   * Whether the file will be joined to others. Otherwise it is written as a finished video. Default false.
   */
  joinable?: boolean | undefined;
  /** Threads of the encoder. Default: ffmpeg's choice or, in a render, this worker's share of the cores. */
  encoderThreads?: number | undefined;
  /** How long each kind of waiting may go without progress, in milliseconds. */
  deadlines?: Deadlines | undefined;
  /** An older name of `deadlines.load`: how long the page may take to be ready, in milliseconds. */
  stabilityTimeout?: number | undefined;
  /** How long the whole render may take, in milliseconds. Default: no limit. */
  timeoutMs?: number | undefined;
  /** Most memory for a worker with all its processes, in MB (1000 kB), checked once a second. Default: no limit. */
  maxMemoryMB?: number | undefined;
  /** Disk space to leave free at TMPDIR and the output, in MB, before and during the render. Default: no limit. */
  minFreeDiskMB?: number | undefined;
}

/** The same for a whole render, with how its work is divided. */
export interface RenderExecutionOptions {
  /** Number of workers, each with a browser and an encoder. Default: one for each core, at most 8. */
  concurrency?: number | undefined;
  /**
   * How often a chunk is restarted if its browser or encoder was killed from outside (a crash, a
   * signal, the system out of memory). Never after an error of the page. Default 0.
   */
  retries?: number | undefined;
  /**
   * Length of a chunk in frames. Default: one chunk for each worker up to ten seconds of video each;
   * beyond that, chunks that shrink towards the end, so that the workers end together.
   */
  chunkFrames?: number | undefined;
  /**
   * What happens if two workers draw the same frame differently, even after one worker has drawn every frame again in
   * order. `fail`: the render fails with a SeamError. `warn`: it continues, with a warning for each such frame.
   * Default `fail`.
   */
  seams?: 'fail' | 'warn' | undefined;
  /**
   * Keeps each finished chunk, and reuses those that an earlier render of the same frames has kept, so that a stopped
   * render continues where it was. Default false.
   */
  keepChunks?: boolean | undefined;
}

/** The browser of a render. */
export interface BrowserConfig {
  /** The Chromium to use. Default: `GENLOCK_BROWSER`, then one installed on the system. */
  executablePath?: string | undefined;
  /** Extra command-line switches for the browser. */
  args?: string[] | undefined;
  /**
   * Whether frames are issued one by one through begin-frame control. Default: true if the browser
   * supports it (chromium-headless-shell on Linux). If false, frames are captured with `Page.captureScreenshot`.
   */
  beginFrameControl?: boolean | undefined;
}

/** Programs and files of the machine that renders. Relative paths are resolved in this process's working directory. */
export interface MachineOptions {
  /** The browser to use, and how. */
  browserConfig?: BrowserConfig | undefined;
  /** The ffmpeg to use. Default: `GENLOCK_FFMPEG`, then the one on the PATH. */
  ffmpegPath?: string | undefined;
  /** The ffprobe to use. Default: the one beside ffmpeg, then the one on the PATH. */
  ffprobePath?: string | undefined;
  /** Has the kernel end browsers and encoders with this process, if the system can. Default true. */
  hardening?: boolean | undefined;
  /** Writes a file with the SHA-256 of each captured frame's RGB: one line `<frame> <hash>` per frame. */
  frameHashes?: string | undefined;
  /**
   * Prefix of the files about the seams of this chunk. `<seamFiles>.entry.png` is the frame before its
   * first one, which is drawn but not in the video; `<seamFiles>.end.png` is its last one; a `.json` next to each
   * describes the page. Default: none are written, and there are no `seam` events.
   */
  seamFiles?: string | undefined;
}

/** The same for a whole render. */
export interface RenderMachineOptions {
  /** Folder for kept chunks. Default: `GENLOCK_CACHE`, then the user's cache folder. */
  cacheDirectory?: string | undefined;
  /**
   * Path for a video of the finished beginning, up to the first missing chunk, if the render is stopped or fails.
   * Default: none is saved.
   */
  partialOutput?: string | undefined;
}

/** The options for rendering one range of frames. Plain data that survives JSON. */
export interface RendererOptions extends CompositionOptions, OutputOptions, ExecutionOptions, MachineOptions {}

/** The same for a whole render, without the executor, which is not data. */
export interface DistributedOptionsInput extends RendererOptions, RenderExecutionOptions, RenderMachineOptions {}

/** The options of a BrowserPool. */
export interface BrowserPoolOptions {
  /**
   * How many browsers may wait for a render at once. Each uses about 100 MB. If there is one too many, the one that has
   * waited longest ends. Default: one per core, at most 8.
   */
  size?: number | undefined;
  /** How long a browser may wait for its next render, in milliseconds. Default 30 s. */
  idleMs?: number | undefined;
  /** How many pages a browser may serve before it is ended, so that its memory cannot grow forever. Default 50. */
  pagesPerBrowser?: number | undefined;
}
