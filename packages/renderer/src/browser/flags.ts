import type { FoundBrowser } from './findBrowser.js';

/** Switches for every browser: no work in the background, and no network traffic except the page's. */
const COMMON = [
  '--remote-debugging-pipe=cbor',
  '--no-startup-window',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--disable-extensions',
  '--disable-default-apps',
  '--disable-breakpad',
  '--disable-crash-reporter',
  '--disable-domain-reliability',
  '--disable-site-isolation-trials',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-hang-monitor',
  '--disable-prompt-on-repost',
  '--disable-popup-blocking',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
  '--hide-scrollbars',
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
  '--enable-unsafe-swiftshader',
  // Everything that runs outside the sandbox runs in the main process, so no process is needed to fork others.
  '--no-unsandboxed-zygote',
  '--password-store=basic',
  '--use-mock-keychain',
  '--log-level=3',
];

const WITHOUT_WEBGPU = [
  // Software compositing draws the same pixels on every machine; WebGL still works, in software.
  '--disable-gpu',
  // Two processes fewer (see ENABLED), with the same pixels: a browser starts a third faster, and there is less to
  // kill.
  '--in-process-gpu',
];

/**
 * A WebGPU canvas is shown only if the page is composited by the same device, in a process of its own. That is
 * SwiftShader, which also draws the same pixels on every machine. The rest of the page is drawn as usual.
 */
const WITH_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
  '--disable-gpu-rasterization',
];

const ENABLED = ['NetworkServiceInProcess2'];
const DISABLED = [
  ...['Translate', 'MediaRouter', 'OptimizationHints'],
  ...['IsolateOrigins', 'site-per-process', 'PaintHolding'],
  // These threads look for files and compile scripts ahead of time, and deliver their results in no fixed order.
  ...['ThreadedPreloadScanner', 'ScriptStreaming', 'BackgroundResourceFetch'],
];

/** A page in full-screen mode would no longer have the size of its video. */
const SETTINGS = ['fullscreenSupported=false'];

/**
 * Lets the page take part in every frame, even while its previous picture waits for the picture of a video, which takes
 * another path. The number is higher than the number of frames that can ever be waiting. Otherwise Chromium would make
 * the page skip a frame and catch up in the next one: that frame has two pictures which wait for each other, and never
 * completes.
 */
const BEGIN_FRAME_ENABLED = ['NoCompositorFrameAcks:pending_frames/1000'];

/** Frames are issued one by one, each complete with all its stages. */
const BEGIN_FRAME = [
  '--enable-begin-frame-control',
  '--run-all-compositor-stages-before-draw',
  '--disable-threaded-animation',
  '--disable-threaded-scrolling',
  '--disable-checker-imaging',
  // Otherwise a tile keeps old pixels next to what has changed, and a frame shows traces of earlier ones.
  '--disable-partial-raster',
  '--disable-new-content-rendering-timeout',
  '--disable-image-animation-resync',
  // There is no user to ask whether our script may capture the page.
  '--use-fake-ui-for-media-stream',
];

export interface LaunchOptions {
  beginFrameControl: boolean;
  profile: string;
  scale: number;
  locale: string;
  /** Whether a page at a file: address may read the contents of other files. */
  fileAccess: boolean;
  ignoreHttpsErrors: boolean;
  webgpu: boolean;
  extra: readonly string[];
}

export function browserFlags(browser: FoundBrowser, options: LaunchOptions): string[] {
  return [
    browser.headlessShell ? '--headless' : '--headless=new',
    ...COMMON,
    ...(options.webgpu ? WITH_WEBGPU : WITHOUT_WEBGPU),
    ...(options.beginFrameControl ? BEGIN_FRAME : []),
    list(
      '--enable-features=',
      [...ENABLED, ...(options.webgpu ? ['Vulkan'] : []), ...(options.beginFrameControl ? BEGIN_FRAME_ENABLED : [])],
      options.extra,
    ),
    list('--disable-features=', DISABLED, options.extra),
    list('--blink-settings=', SETTINGS, options.extra),
    ...(options.fileAccess ? ['--allow-file-access-from-files'] : []),
    ...(options.ignoreHttpsErrors ? ['--ignore-certificate-errors'] : []),
    `--user-data-dir=${options.profile}`,
    `--force-device-scale-factor=${options.scale}`,
    // The language of requests and of `navigator.language`. Dates and numbers are set through the protocol.
    `--lang=${options.locale}`,
    `--accept-lang=${options.locale}`,
    // Chromium does not start as root with its sandbox.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...options.extra.filter((flag) => !LISTS.test(flag)),
  ];
}

const LISTS = /^--(enable-features|disable-features|blink-settings)=/;

/** Joins our list and the user's into one switch: a second switch would replace the first. */
function list(start: string, ours: readonly string[], extra: readonly string[]): string {
  const theirs = extra.filter((flag) => flag.startsWith(start)).map((flag) => flag.slice(start.length));
  return start + [...ours, ...theirs].join(',');
}
