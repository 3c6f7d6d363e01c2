type Colour = [red: number, green: number, blue: number];
type Pixel = [frame: number, x: number, y: number, colour: Colour];

/** A page whose frames are to be the same however its render is split. */
export interface CorpusPage {
  /** Its file in pages/, without the extension. */
  name: string;
  /** What makes it move. */
  shows: string;
  /** Its picture depends on the time alone, not on the frames before: it may be entered by a jump. */
  timeAlone?: true;
  /** The share of frames that differ from all before them, at the least. Default 0.8. */
  unique?: number;
  /** Why it is known to fail: such a page is told of in the table, and fails nothing. */
  notYet?: string;
  /** Colours that are known beforehand, within what a video's encoding may change. */
  pixels?: Pixel[];
}

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];
const GREEN: Colour = [0, 204, 0];
const DARK_RED: Colour = [204, 0, 0];

/** Frame 6 has a bar that has come as far as `inside` and not as far as `outside`. */
function bar(inside: number, outside: number, y: number, colour: Colour, behind: Colour): Pixel[] {
  return [
    [6, inside, y, colour],
    [6, outside, y, behind],
  ];
}

const RED: Colour = [255, 0, 0];
const BLUE: Colour = [0, 0, 255];
const YELLOW: Colour = [204, 204, 0];

/** Frame 6 has blocks of 10 pixels in these colours, from the left. */
function blocks(...colours: Colour[]): Pixel[] {
  return colours.map((colour, index) => [6, 10 * index + 5, 20, colour]);
}

/** A place that is white in frame 5 and green from frame 6 on. */
const APPEARS: Pixel[] = [
  [5, 20, 20, WHITE],
  [6, 20, 20, GREEN],
];

/** At 30 frames a second, frame 6 is at 200 ms. */
export const CORPUS: readonly CorpusPage[] = [
  // Clocks and timers
  { name: 'date', shows: 'Date', timeAlone: true },
  { name: 'time-zone', shows: 'Date, time zone and locale', timeAlone: true },
  { name: 'intl', shows: 'Intl', timeAlone: true },
  { name: 'performance-now', shows: 'performance.now', timeAlone: true, pixels: bar(44, 52, 30, [0, 200, 0], BLACK) },
  { name: 'performance-mark', shows: 'performance.mark, measure, timeOrigin' },
  { name: 'set-timeout', shows: 'setTimeout' },
  {
    name: 'set-interval',
    shows: 'setInterval',
    pixels: [
      [6, 56, 9, [255, 0, 0]],
      [6, 120, 9, [255, 200, 0]],
      [6, 136, 9, [0, 0, 60]],
    ],
  },
  { name: 'request-animation-frame', shows: 'requestAnimationFrame' },
  { name: 'idle-callback', shows: 'requestIdleCallback' },
  { name: 'scheduler', shows: 'tasks and microtasks' },
  { name: 'fetch', shows: 'fetch in every frame' },
  { name: 'files', shows: 'files of its own, in page and worker', pixels: bar(52, 60, 30, [255, 204, 0], [0, 17, 51]) },
  { name: 'data-base', shows: 'IndexedDB', pixels: bar(52, 60, 30, [102, 255, 204], [17, 34, 34]) },
  { name: 'locks', shows: 'locks', pixels: bar(80, 88, 30, [255, 136, 0], [34, 17, 0]) },
  { name: 'streams', shows: 'streams, compression', pixels: bar(52, 60, 20, [255, 102, 204], [17, 0, 34]) },
  { name: 'import', shows: 'modules, late', timeAlone: true, pixels: bar(52, 60, 30, [0, 102, 204], WHITE) },
  { name: 'meta-refresh', shows: 'meta refresh', pixels: bar(26, 38, 30, [153, 255, 0], [0, 17, 34]) },
  { name: 'crypto', shows: 'crypto randomness' },
  { name: 'math-random', shows: 'Math.random' },

  { name: 'poll-timeout', shows: 'polls with setTimeout', pixels: bar(44, 52, 20, [0, 200, 0], [255, 200, 0]) },
  {
    name: 'poll-messages',
    shows: 'polls with messages, tasks and idle time',
    pixels: [
      [6, 20, 120, [255, 200, 0]],
      [6, 120, 120, [255, 0, 0]],
      [6, 220, 120, [0, 0, 255]],
    ],
  },
  { name: 'window-open', shows: 'windows that the page opens', pixels: bar(44, 52, 20, [0, 200, 0], WHITE) },
  { name: 'full-screen', shows: 'requestFullscreen', pixels: bar(44, 52, 20, [0, 200, 0], [255, 200, 0]) },
  { name: 'goes-on', shows: 'location.replace while loading', pixels: bar(44, 52, 20, [0, 200, 0], [255, 200, 0]) },

  // What the browser animates
  // Twelve steps in 0.4 s: one in each frame.
  { name: 'steps-css', shows: 'CSS animations in steps', timeAlone: true, unique: 0.7 },
  { name: 'steps-web', shows: 'Web Animations in steps', pixels: bar(51, 45, 20, [255, 0, 0], WHITE) },
  { name: 'steps-transition', shows: 'transitions in steps', pixels: bar(51, 45, 20, [255, 0, 0], WHITE) },
  { name: 'smil-discrete', shows: 'SMIL in steps', timeAlone: true, pixels: bar(130, 110, 20, [255, 0, 0], WHITE) },
  { name: 'many-animations', shows: 'many CSS animations' },
  { name: 'css-animation', shows: 'CSS animations', timeAlone: true, pixels: bar(50, 46, 20, [255, 0, 0], WHITE) },
  {
    name: 'parts',
    shows: 'animations of ::placeholder and the like',
    pixels: [
      [6, 20, 15, [204, 0, 51]],
      [6, 20, 55, [204, 0, 51]],
      [6, 280, 95, [204, 0, 51]],
      [6, 280, 150, [204, 0, 51]],
    ],
  },
  { name: 'css-transition', shows: 'CSS transitions' },
  { name: 'css-property', shows: 'CSS custom properties', timeAlone: true },
  { name: 'css-counters', shows: 'CSS counters' },
  { name: 'scroll-timeline', shows: 'animation-timeline: scroll()', timeAlone: true },
  { name: 'view-timeline', shows: 'animation-timeline: view()', timeAlone: true },
  { name: 'view-transition', shows: 'view transitions' },
  { name: 'web-animations', shows: 'Web Animations', pixels: bar(50, 46, 15, [0, 0, 255], [221, 238, 255]) },
  { name: 'smil', shows: 'SMIL', timeAlone: true, pixels: bar(50, 46, 25, [255, 255, 0], [0, 17, 34]) },
  { name: 'marquee', shows: 'marquee' },
  {
    name: 'progress',
    shows: 'progress without a value',
    timeAlone: true,
    pixels: [
      [0, 20, 25, [0, 117, 255]],
      [22, 20, 25, [230, 230, 230]],
      [22, 20, 60, [221, 221, 221]],
      [22, 20, 95, DARK_RED],
    ],
  },
  { name: 'scroll', shows: 'scrolling, its event' },
  { name: 'smooth-scroll', shows: 'smooth scrolling' },
  { name: 'intersection-observer', shows: 'IntersectionObserver' },
  { name: 'resize-observer', shows: 'ResizeObserver' },

  // Layers of the compositor, which remembers how it first drew them
  { name: 'layer-settles', shows: 'will-change in a container that fades in', timeAlone: true },
  { name: 'layer-kinds', shows: 'will-change on text, a picture, a gradient, SVG, a filter', timeAlone: true },
  { name: 'layer-ways', shows: 'will-change, set in every way' },
  { name: 'layer-remembers', shows: 'pictures in layers that come to rest' },

  // Pictures, video, sound
  { name: 'gif', shows: 'animated GIF', pixels: bar(20, 40, 80, WHITE, BLACK) },
  {
    name: 'gif-background',
    shows: 'animated pictures in style sheets',
    pixels: bar(20, 40, 80, WHITE, BLACK),
  },
  {
    name: 'gif-late',
    shows: 'animated GIFs added later',
    // The first of them at its own start; the fifth after ten of its frames.
    pixels: [
      [3, 1, 53, WHITE],
      [3, 5, 53, BLACK],
      [20, 126, 113, WHITE],
      [20, 140, 113, BLACK],
    ],
  },
  { name: 'apng', shows: 'animated PNG', pixels: bar(28, 44, 80, WHITE, BLACK) },
  { name: 'webp', shows: 'animated WebP', pixels: bar(28, 44, 80, WHITE, BLACK) },
  { name: 'video', shows: 'video', pixels: bar(40, 72, 160, WHITE, BLACK) },
  { name: 'video-webm', shows: 'video, WebM' },
  { name: 'video-rate', shows: 'video, playback rate' },
  { name: 'video-trimmed', shows: 'video, trimmed and paused' },
  // The clip has nine frames.
  { name: 'video-loop', shows: 'video, looped', unique: 0.25 },
  { name: 'video-canvas', shows: 'video in a canvas' },
  { name: 'video-scenes', shows: 'videos that come into view' },
  { name: 'video-frame-callback', shows: 'requestVideoFrameCallback' },
  { name: 'audio', shows: 'audio', pixels: bar(34, 48, 30, [68, 136, 255], [0, 17, 34]) },
  { name: 'audio-context', shows: 'AudioContext' },
  { name: 'mediabunny', shows: 'Mediabunny, by time', timeAlone: true, pixels: bar(52, 60, 160, WHITE, BLACK) },
  { name: 'mediabunny-samples', shows: 'Mediabunny, in order', pixels: bar(52, 60, 160, WHITE, BLACK) },
  { name: 'web-codecs', shows: 'codecs, in page and worker', pixels: bar(66, 76, 140, WHITE, BLACK) },
  { name: 'web-codecs-fed', shows: 'a decoder that holds back' },
  { name: 'audio-codecs', shows: 'AudioEncoder, AudioDecoder' },
  { name: 'image-decoder', shows: 'ImageDecoder, createImageBitmap', pixels: bar(24, 40, 80, WHITE, BLACK) },
  {
    name: 'svg-references',
    shows: 'parts of SVG files, late',
    pixels: [
      [4, 20, 80, GREEN],
      [5, 70, 80, GREEN],
      [6, 120, 80, GREEN],
      [7, 160, 80, DARK_RED],
      [7, 180, 80, WHITE],
      [8, 210, 80, DARK_RED],
      [8, 230, 80, WHITE],
      [9, 270, 80, GREEN],
    ],
  },
  {
    name: 'css-references',
    shows: 'files of style sheets, late',
    pixels: [
      [4, 20, 80, GREEN],
      [5, 70, 80, GREEN],
      [6, 120, 80, GREEN],
      [7, 170, 80, GREEN],
      [8, 260, 80, GREEN],
      [9, 310, 80, GREEN],
    ],
  },
  { name: 'offline-audio', shows: 'OfflineAudioContext', timeAlone: true },

  {
    name: 'picture-fallback',
    shows: 'pictures with a fallback',
    pixels: [
      [6, 20, 80, [255, 0, 0]],
      [6, 120, 80, [255, 0, 0]],
    ],
  },
  // The order of what loads
  { name: 'load-fonts-ready', shows: 'fonts.ready and load', pixels: blocks(RED, BLUE) },
  { name: 'load-scripts', shows: 'async scripts', pixels: blocks(RED, GREEN, BLUE, YELLOW) },
  { name: 'load-answers', shows: 'fetch, XMLHttpRequest, FileReader', pixels: blocks(YELLOW, [0, 204, 204]) },
  { name: 'load-pictures', shows: 'pictures, decode()', pixels: blocks(RED, GREEN, BLUE, YELLOW) },
  { name: 'load-workers', shows: 'first messages of workers', pixels: blocks(RED, GREEN, BLUE) },
  { name: 'late-answers', shows: 'answers that frames ask for', pixels: blocks(RED, GREEN, BLUE, RED) },
  { name: 'lazy-image', shows: 'loading=lazy, a picture', pixels: APPEARS },
  { name: 'lazy-iframe', shows: 'loading=lazy, a frame', pixels: APPEARS },
  { name: 'content-visibility', shows: 'content-visibility: auto', pixels: APPEARS },
  { name: 'srcdoc', shows: 'srcdoc set at a frame', pixels: APPEARS },
  { name: 'iframe-late', shows: 'a frame sent somewhere', pixels: APPEARS },

  // Other realms
  { name: 'iframe-same-origin', shows: 'frames of the same origin' },
  { name: 'iframe-cross-origin', shows: 'a frame of another origin' },
  { name: 'iframe-nested', shows: 'frames of two origins, nested' },
  { name: 'shadow-dom', shows: 'shadow DOM', pixels: bar(60, 40, 155, WHITE, [51, 68, 85]) },
  { name: 'worker', shows: 'worker', pixels: bar(42, 58, 20, [200, 0, 100], WHITE) },
  { name: 'worker-module', shows: 'module worker, blob worker' },
  { name: 'paint-worklet', shows: 'paint worklet' },
  { name: 'audio-worklet', shows: 'audio worklet', notYet: 'no sound is made while a page is rendered' },
  { name: 'offscreen-canvas', shows: 'OffscreenCanvas in the page', timeAlone: true },
  { name: 'offscreen-worker', shows: 'OffscreenCanvas in a worker' },

  // Drawing
  { name: 'canvas-2d', shows: '2D canvas', timeAlone: true },
  { name: 'webgl-shader', shows: 'WebGL', timeAlone: true },

  // Libraries
  { name: 'lottie', shows: 'Lottie' },
  { name: 'gsap', shows: 'GSAP' },
  { name: 'three', shows: 'three.js' },
  { name: 'animate-css', shows: 'animate.css', timeAlone: true },
  { name: 'd3', shows: 'D3' },
  { name: 'echarts', shows: 'ECharts' },
  { name: 'anime', shows: 'anime.js' },
  // The first box has left its place.
  { name: 'motion', shows: 'Motion', pixels: [[6, 20, 30, [11, 16, 17]]] },
  { name: 'p5', shows: 'p5.js' },
  { name: 'pixi', shows: 'PixiJS' },
  { name: 'matter', shows: 'matter.js' },

  // Pages that remember
  { name: 'particles', shows: 'particles' },
  { name: 'cellular-automaton', shows: 'cellular automaton' },
  { name: 'accumulating-canvas', shows: 'a canvas never cleared' },
  { name: 'random-walk', shows: 'random walk' },
  { name: 'typing', shows: 'text that is typed' },
  { name: 'dom-mutation', shows: 'DOM changed in every frame' },
];
