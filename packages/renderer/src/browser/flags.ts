import type { FoundBrowser } from './findBrowser.js';

/** Switches for every browser: nothing in the background, nothing from the network but the page. */
const COMMON = [
  '--remote-debugging-pipe',
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
  '--disable-features=Translate,MediaRouter,OptimizationHints,IsolateOrigins,site-per-process,PaintHolding',
  '--disable-site-isolation-trials',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-hang-monitor',
  '--disable-prompt-on-repost',
  '--disable-popup-blocking',
  '--allow-file-access-from-files',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
  '--hide-scrollbars',
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
  // Software compositing draws the same pixels on every machine; WebGL still works, in software.
  '--disable-gpu',
  '--enable-unsafe-swiftshader',
  // Two processes less, with the same pixels: a browser starts a third sooner, and there is less to end.
  '--in-process-gpu',
  '--enable-features=NetworkServiceInProcess2',
  // Whoever runs outside the sandbox runs in the main process already: nobody is to be forked for it.
  '--no-unsandboxed-zygote',
  '--password-store=basic',
  '--use-mock-keychain',
  '--log-level=3',
];

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
  /** Whether HTML can be drawn into a canvas, which no page can do by itself yet. */
  htmlInCanvas: boolean;
  extra: readonly string[];
}

export function browserFlags(browser: FoundBrowser, options: LaunchOptions): string[] {
  return [
    browser.headlessShell ? '--headless' : '--headless=new',
    ...COMMON,
    ...(options.beginFrameControl ? BEGIN_FRAME : []),
    ...(options.htmlInCanvas ? ['--enable-blink-features=CanvasDrawElement'] : []),
    `--user-data-dir=${options.profile}`,
    `--force-device-scale-factor=${options.scale}`,
    // What the page asks for and what `navigator.language` says; its dates and numbers are set by the protocol.
    `--lang=${options.locale}`,
    `--accept-lang=${options.locale}`,
    // Chromium refuses its sandbox to root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...options.extra,
  ];
}
