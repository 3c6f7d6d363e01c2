import type { Media } from './playback.js';

/**
 * What runs inside the page. Every function of this folder is sent there as its source text, so
 * each one is complete in itself: it uses its arguments and the page's globals, never an import.
 */

/** What the page's clock is made with. Plain data. */
export interface PageConfig {
  /** Frame rate as a fraction: frame n shows n * den / num seconds. */
  fps: { num: number; den: number };
  /** What the page sees as `window.genlock.props`. */
  props: Record<string, unknown>;
  /** Seed of `Math.random`. */
  seed: number;
  /** What `Date` shows at frame 0, in milliseconds since 1970. */
  epoch: number;
}

/** What the parts of the clock share inside one document. */
export interface Control {
  readonly config: PageConfig;
  /** Virtual milliseconds since frame 0. */
  now: number;
  /** The frame that is being prepared, from 0; 0 while the page loads. */
  frame: number;
  /** Work that takes real time but no virtual time: the clock stands still until it is done. */
  readonly pending: Set<Promise<void>>;
  /** False until frame 0 is prepared. */
  started: boolean;
  /** Counts the promise among the work that the clock waits for. Give the page the returned one. */
  track<T>(promise: Promise<T>): Promise<T>;
  /** Resolves when the browser has begun its next own frame, in a browser that draws by itself. */
  realFrame(): Promise<void>;
  /** Real time, for waiting on real work. */
  realDelay(ms: number): Promise<void>;
  /** Runs a function in a task of its own, after all microtasks of the one before. */
  inTask(run: () => void): Promise<void>;
  /** Runs the timers that are due up to this virtual time, in order, each one in its own task. */
  runTimers(until: number): Promise<void>;
  /** Runs the frame callbacks that are waiting, once. */
  runFrameCallbacks(): Promise<void>;
  /** Takes note of animations that are new or that the page moved, as of virtual time `at`. */
  observeAnimations(at: number): void;
  /** Moves every running animation to virtual time `to`. */
  moveAnimations(to: number): void;
  /** The trees of elements in the document: its own and those of shadow roots. */
  roots(): Iterable<Document | ShadowRoot>;
  /** Calls a function with each shadow root that is attached from now on. */
  onRoot(watch: (root: ShadowRoot) => void): void;
  /** Parts that show something else at another time: called at each step before the frame callbacks. */
  readonly movers: ((to: number) => Promise<unknown>)[];
  /** What parts are still waiting for at the present virtual time: asked again until nobody waits. */
  readonly waits: (() => Promise<unknown>[])[];
  /** The playing of media elements. */
  media: Media | undefined;
  /** Makes a video show what it has at this time, in seconds. */
  showVideo(video: HTMLVideoElement, seconds: number): Promise<void>;
  /** Tells that a video has been sought. */
  videoSought(video: HTMLVideoElement): void;
  /** Whether the page waits for the next picture of a video. */
  isVideoAwaited(video: HTMLVideoElement): boolean;
  /** Waits until nothing is due, pending or loading at the present virtual time. */
  settle(): Promise<void>;
  /** Moves the page from its present frame to the next one. */
  step(frame: number): Promise<void>;
}

/** A part of the clock. */
export type PagePart = (control: Control) => void;

/** Where the renderer finds the control object in a page: `globalThis[Symbol.for(CONTROL_KEY)]`. */
export const CONTROL_KEY = 'genlock.control';

/** Makes the control object and puts it where the renderer finds it. */
export function createControl(config: PageConfig, key: string): Control {
  const channel = new MessageChannel();
  const tasks: (() => void)[] = [];
  channel.port1.onmessage = () => tasks.shift()?.();
  const pending = new Set<Promise<void>>();
  const realSetTimeout = setTimeout;
  const realRequestFrame = requestAnimationFrame;

  const control: Control = {
    config,
    now: 0,
    frame: 0,
    started: false,
    pending,
    track: (promise) => {
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      pending.add(gate);
      const done = () => {
        pending.delete(gate);
        release();
      };
      // A promise of its own, so that a rejection that the page does not handle is still reported.
      return promise.then(
        (value) => {
          done();
          return value;
        },
        (error: unknown) => {
          done();
          throw error;
        },
      );
    },
    realFrame: () => new Promise((resolve) => realRequestFrame(() => resolve())),
    realDelay: (ms) => new Promise((resolve) => realSetTimeout(resolve, ms)),
    inTask: (run) =>
      new Promise((resolve) => {
        tasks.push(() => {
          try {
            run();
          } finally {
            resolve();
          }
        });
        channel.port2.postMessage(null);
      }),
    runTimers: () => Promise.resolve(),
    runFrameCallbacks: () => Promise.resolve(),
    observeAnimations: () => {},
    moveAnimations: () => {},
    roots: () => [document],
    onRoot: () => {},
    movers: [],
    waits: [],
    media: undefined,
    showVideo: () => Promise.resolve(),
    videoSought: () => {},
    isVideoAwaited: () => false,
    settle: () => Promise.resolve(),
    step: () => Promise.resolve(),
  };
  Object.defineProperty(globalThis, Symbol.for(key), { value: control });
  return control;
}
