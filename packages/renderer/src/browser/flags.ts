import type { FoundBrowser } from './findBrowser.js';

/** Switches for every browser: nothing in the background, nothing from the network but the page. */
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
  // Whoever runs outside the sandbox runs in the main process already: nobody is to be forked for it.
  '--no-unsandboxed-zygote',
  '--password-store=basic',
  '--use-mock-keychain',
  '--log-level=3',
];

const WITHOUT_WEBGPU = [
  // Software compositing draws the same pixels on every machine; WebGL still works, in software.
  '--disable-gpu',
  // Two processes less (see ENABLED), with the same pixels: a browser starts a third sooner, and there is less to end.
  '--in-process-gpu',
];

/**
 * A canvas of WebGPU is shown only where the page is put together by the same device, in a process of its own:
 * SwiftShader, which draws the same pixels on every machine, too. The rest of the page is drawn as ever.
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
  // What other threads have ready comes in an order of their own: these look for files and compile scripts ahead.
  ...['ThreadedPreloadScanner', 'ScriptStreaming', 'BackgroundResourceFetch'],
];

/** A page that fills a screen would no longer have the size of its video. */
const SETTINGS = ['fullscreenSupported=false'];

/**
 * The page takes part in every frame, also while its last picture waits for that of a video, which comes on its own
 * way: the number is more than can ever wait. Chromium would otherwise hold the page back, and have it make up for
 * that in the next frame: two pictures in one, of which each waits for the other, and the frame is never answered.
 */
const BEGIN_FRAME_ENABLED = ['NoCompositorFrameAcks:pending_frames/1000'];

/** Frames come one by one, each with all its stages, when they are asked for. */
const BEGIN_FRAME = [
  '--enable-begin-frame-control',
  '--run-all-compositor-stages-before-draw',
  '--disable-threaded-animation',
  '--disable-threaded-scrolling',
  '--disable-checker-imaging',
  // Otherwise a tile keeps old pixels beside what changed, and a frame shows traces of those before it.
  '--disable-partial-raster',
  '--disable-new-content-rendering-timeout',
  '--disable-image-animation-resync',
  // Nobody is there to be asked whether our own script may capture the page.
  '--use-fake-ui-for-media-stream',
];

export interface LaunchOptions {
  beginFrameControl: boolean;
  profile: string;
  scale: number;
  locale: string;
  /** Whether a page at a file: address may read what is in other files. */
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
    // What the page asks for and what `navigator.language` says; its dates and numbers are set by the protocol.
    `--lang=${options.locale}`,
    `--accept-lang=${options.locale}`,
    // Chromium refuses its sandbox to root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...options.extra.filter((flag) => !LISTS.test(flag)),
  ];
}

const LISTS = /^--(enable-features|disable-features|blink-settings)=/;

/** One switch for what we list and what the options list: a second one would replace the first. */
function list(start: string, ours: readonly string[], extra: readonly string[]): string {
  const theirs = extra.filter((flag) => flag.startsWith(start)).map((flag) => flag.slice(start.length));
  return start + [...ours, ...theirs].join(',');
}
