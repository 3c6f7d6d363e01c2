import type { FrameRate } from './frameRate.js';

/**
 * The options of a render, in four groups. Each has its docstring here, where an editor finds it; `schema.ts` has the
 * values that each may have, and the compiler holds the two to each other.
 *
 * Composition, output and execution say nothing of the machine that renders: whoever asks for a render from elsewhere
 * may give them. What is in the group `machine` names programs and files of this machine, and is given on it alone.
 */

/** How frames are captured: the option `mode` says what each means. */
export type Mode = 'auto' | 'canvas' | 'compositor' | 'screenshot';
/** What draws WebGL: the option `webgl` says what each means. */
export type WebGl = 'auto' | 'llvmpipe' | 'swiftshader';
/** How a page is taken to its first frame: the option `entry` says what each means. */
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
  /** Go on when a file that the page needs does not load. Default false. */
  allowMissingAssets?: boolean | undefined;
  /**
   * Accepts https addresses whose certificates nobody vouches for, as those of development servers: self-signed,
   * expired, of another host. Default false: they are an error, which names this option.
   */
  ignoreHttpsErrors?: boolean | undefined;
}

/** How the pictures are encoded. */
export interface OutputOptions {
  /** Codec: h264, h265, vp9, av1, prores, or the name of its ffmpeg encoder. Default: by file name, h264 or vp9. */
  videoCodec?: string | undefined;
  /** Constant quality: lower is better and larger. The range and default are the codec's. */
  crf?: number | undefined;
  /** Speed of the encoder, as the codec names it. Default: for H.264 superfast with a look-ahead, for H.265 veryfast, for AV1 8. */
  preset?: string | undefined;
  /** Bit rate such as `8M` or `500k`, instead of constant quality. */
  videoBitrate?: string | undefined;
  /** Layout of the pixels in the file. Default: the codec's most widely played, yuv420p for most. */
  pixelFormat?: string | undefined;
  /**
   * Encodes the captured pixels without loss (.mkv or .mp4): the exact RGB of screenshots, or the planes
   * with `mode: 'compositor'`. Default false.
   */
  lossless?: boolean | undefined;
  /**
   * Has x264 take 50 to 70% of its time, at no less quality: files are about twice as large. The frames of a canvas
   * are encoded by the browser in any case, at a fixed bit rate (`videoBitrate`, by default 0.32 bits for
   * each pixel), unless `crf`, `preset`, `frameHashes` or another codec asks for more than it can do.
   * Default false.
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
  /** Until the encoder has written its file after the last frame. Default 120 s. */
  drain?: number | undefined;
  /** Reading a file back to count its frames: each chunk and the whole. Default 600 s. */
  verify?: number | undefined;
  /** Joining the chunks; and flushing a finished file to the disk. Default 600 s. */
  concat?: number | undefined;
  /** Until every worker has stopped that was told to. What has not by then is a leftover. Default 10 s. */
  stop?: number | undefined;
}

/** How the work is done, on whatever machine. */
export interface ExecutionOptions {
  /**
   * How frames are captured. `canvas`: from the canvas that is all there is to see on the page.
   * `compositor`: as 4:2:0 planes, as the browser's compositor puts them together. `screenshot`: as
   * lossless pictures, on every page, in every browser and pixel format, in about twice the time. `auto`:
   * the first of these that can be, which the `capture` event tells; the first one only where the
   * browser encodes. Default `auto`.
   */
  mode?: Mode | undefined;
  /**
   * What draws WebGL. `swiftshader`: the browser's own driver, the same on every machine. `llvmpipe`: that of
   * Mesa, in half the time; a ToolError where it is not installed. `auto`: that one where it is installed, for a
   * page that has a context of WebGL when it has loaded. The two differ in the last bits of what they draw.
   * Default `auto`.
   */
  webgl?: WebGl | undefined;
  /**
   * How a page is taken to a first frame that is not frame 0. `replay` runs it through every frame
   * before, without drawing them; `draw` draws them too, which is right on every page and takes as long as
   * rendering them; `seek` takes it straight there, which is right only for a page whose picture is a
   * function of the time. Default `auto`, which is `replay`.
   */
  entry?: Entry | undefined;
  /** Whether a chunk follows, so that the last frame is at a seam. Default true; it matters only with `seamFiles`. */
  endSeam?: boolean | undefined;
  /**
   * Whether the file is to be joined to others: it is then written in ffmpeg's own way, else as a finished one.
   * Default false.
   */
  joinable?: boolean | undefined;
  /** Threads of the encoder. Default: as many as ffmpeg likes, or this worker's share of the cores. */
  encoderThreads?: number | undefined;
  /** How long each kind of waiting may go without progress, in milliseconds. */
  deadlines?: Deadlines | undefined;
  /** The same as `deadlines.load`: how long the page may take to be ready. */
  stabilityTimeout?: number | undefined;
  /** How long the whole render may take, in milliseconds. Default: no limit. */
  timeoutMs?: number | undefined;
  /** Memory of a worker with all its processes, in MB of 1000 kB, looked at once a second. Default: no limit. */
  maxMemoryMB?: number | undefined;
  /** Disk space in MB to be left free at TMPDIR and the output, before and during. Default: no limit. */
  minFreeDiskMB?: number | undefined;
}

/** The same of a whole render: how its work is shared out. */
export interface RenderExecutionOptions {
  /** Number of workers, each with a browser and an encoder. Default: one for each core, at most 8. */
  concurrency?: number | undefined;
  /**
   * How often a chunk is begun again when its browser or encoder was killed from outside (a crash, a
   * signal, the system out of memory). Never after an error of the page. Default 0.
   */
  retries?: number | undefined;
  /**
   * Length of a chunk in frames. Default: one chunk for each worker up to ten seconds of video each;
   * beyond that, chunks that shrink towards the end, so that the workers end together.
   */
  chunkFrames?: number | undefined;
  /**
   * What becomes of a render when two workers draw the same frame differently, also once every frame has
   * been drawn again in order by one worker: `fail` is a SeamError, `warn` goes on with a warning that names each
   * such frame. Default `fail`.
   */
  seams?: 'fail' | 'warn' | undefined;
  /**
   * Keeps each finished chunk, and uses those that an earlier render of the same frames has kept: a
   * render that was stopped goes on where it was. Default false.
   */
  keepChunks?: boolean | undefined;
}

/** The browser of a render. */
export interface BrowserConfig {
  /** The Chromium to use. Default: `GENLOCK_BROWSER`, then what the system has. */
  executablePath?: string | undefined;
  /** More command line switches for it. */
  args?: string[] | undefined;
  /**
   * Whether frames are issued one by one through begin-frame control. Default: where the browser
   * has it (chromium-headless-shell on Linux); false draws with `Page.captureScreenshot` instead.
   */
  beginFrameControl?: boolean | undefined;
}

/** Programs and files of the machine that renders. A path that is relative is so to the folder of this process. */
export interface MachineOptions {
  /** The browser to use, and how. */
  browserConfig?: BrowserConfig | undefined;
  /** The ffmpeg to use. Default: `GENLOCK_FFMPEG`, then the one on the PATH. */
  ffmpegPath?: string | undefined;
  /** The ffprobe to use. Default: the one beside ffmpeg, then the one on the PATH. */
  ffprobePath?: string | undefined;
  /** Lets the kernel end browsers and encoders with this process where the system can. Default true. */
  hardening?: boolean | undefined;
  /** Writes a file with the SHA-256 of each captured frame's RGB: one line `<frame> <hash>` a frame. */
  frameHashes?: string | undefined;
  /**
   * Prefix of the files about the seams of this chunk: `<seamFiles>.entry.png` is the frame before its
   * first one, drawn but not in the video, `<seamFiles>.end.png` its last one; a `.json` beside each says what
   * was in the page. Default: none are written, and there are no `seam` events.
   */
  seamFiles?: string | undefined;
}

/** The same of a whole render. */
export interface RenderMachineOptions {
  /** Where chunks are kept. Default: `GENLOCK_CACHE`, then the user's folder for caches. */
  cacheDirectory?: string | undefined;
  /**
   * Where a render that is stopped, or fails, puts a video of the finished chunks from its start, as far
   * as they go without a gap. Default: nowhere.
   */
  partialOutput?: string | undefined;
}

/** What one range of frames is rendered with. Plain data: it survives JSON. */
export interface RendererOptions extends CompositionOptions, OutputOptions, ExecutionOptions, MachineOptions {}

/** The same of a whole render, without the executor, which is no data. */
export interface DistributedOptionsInput extends RendererOptions, RenderExecutionOptions, RenderMachineOptions {}

/** What a pool of browsers is made with. */
export interface BrowserPoolOptions {
  /**
   * How many browsers may wait for a render at once; one more ends the one that waits longest. Each
   * takes some 100 MB. Default: one for each core, at most 8.
   */
  size?: number | undefined;
  /** How long a browser may wait for its next render, in milliseconds. Default 30 s. */
  idleMs?: number | undefined;
  /** How many pages a browser may have had before it is ended, so that it cannot grow for ever. Default 50. */
  pagesPerBrowser?: number | undefined;
}
