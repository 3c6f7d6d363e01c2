import type { CanvasRegistry } from './canvasRegistry.js';
import type { Moment, PageConfig } from './config.js';
import type { FileFault, FileFaults, FrameUse, Outcome, Rest, SettleOptions } from './outcome.js';
import type { Media } from './media.js';
import type { readWebGl } from './readWebGl.js';
import type { Streams } from './streamTypes.js';
import type { Workers } from './workerTypes.js';

/**
 * What runs inside the page. Every function in this folder is sent there as source text, so it must be self-contained:
 * it may use its arguments and the page's globals, but no import. The same clock runs in every document and worker.
 */

/** What has happened to the videos of a document: one shows a different frame, or one has come into view. */
export type VideoNews = 'none' | 'changed' | 'appeared';

/** One frame of an animated image. */
export interface AnimatedFrame {
  url: string;
  /** In pixels. */
  width: number;
}

/** How a document uses a style sheet. */
export type SheetUse = 'applied' | 'idle' | 'accepted' | 'unknown';

/** What the parts of the clock share within one document or worker. */
export interface Control extends Moment {
  readonly config: PageConfig;
  /** Returns the seed for the next worker that this context starts. */
  nextSeed(): number;
  /** The virtual time at which this context was created: the zero of its `performance.now()`, in milliseconds. */
  born: number;
  /** Work that takes real time but no virtual time: the clock is stopped until it is done. */
  readonly pending: Set<Promise<void>>;
  /** How many of these are promises given by the page: to settle them it may need anything, even timers. */
  promised: number;
  /** A message was, or may have been, sent to another context since this was last read. */
  active: boolean;
  /** The same, if the workers have handled it since, but whoever advances this context does not know yet. */
  wasActive: boolean;
  /** Whether one of the two was set; clears both. */
  takeActive(): boolean;
  /** What the frame being prepared is used for. */
  frameUse: FrameUse;
  /** The global under which each document, and worker, keeps its control object. */
  readonly key: symbol;
  /**
   * Makes the clock wait for a promise, at most `patience` milliseconds (default: without limit). `name` describes the
   * work in messages to the user. The page must get the returned promise.
   */
  track<T>(promise: Promise<T>, name?: string, patience?: number): Promise<T>;
  /** The names of the work that the clock is waiting for, without duplicates. */
  pendingNames(): string[];
  /** Makes the clock wait for a promise that the page already has, or never gets. Rejections are ignored. */
  hold(promise: Promise<unknown>): void;
  /** Makes the clock wait for the first of these events on a target. Resolves when it fires. */
  trackEvents(target: EventTarget, ...types: string[]): Promise<void>;
  streams: Streams | undefined;
  /** Resolves when the browser starts its next frame; for browsers that draw by themselves. */
  realFrame(): Promise<void>;
  /**
   * Runs a function once the context has all of its features. A worker gets some of them only after our script has run;
   * there the function runs when the worker first uses one of those, or at its first exchange.
   */
  whenComplete(run: () => void): void;
  /** Resolves after so many milliseconds of real time: for polling work that takes real time. */
  realDelay(ms: number): Promise<void>;
  /** Runs a function in a task of its own, after all microtasks of the present one. Resolves when it has run. */
  inTask(run: () => void): Promise<void>;
  /** Resolves when this thread has no other task to run. */
  afterAll(): Promise<void>;
  /**
   * Takes a place in the queue of results that the page is waiting for. When the result is there, call the returned
   * function: `deliver` then runs after all earlier results have been delivered, in a task of its own, when the thread
   * has nothing else to run. If `deliver` returns a promise, the next result waits for it. Only for work that ends by
   * itself, not for work that needs the network or the page.
   */
  takePlace(): (deliver: () => void | Promise<void>) => void;
  /** Takes such a place for a promise. The page must get the returned promise. */
  inLine<T>(promise: Promise<T>): Promise<T>;
  /** Whether the page itself feeds the body of this request or response. */
  isFed(body: object): boolean;
  /** Delivers the results at the head of the queue that are there. */
  deliver(): void;
  /** Resolves when the queue is empty. */
  untilDelivered(): Promise<void>;
  /** Other work that the browser is doing for the page, and that will end by itself. */
  readonly inFlight: Set<Promise<unknown>>;
  /** Adds a promise to `inFlight` until it settles: the next response from the network waits for it. */
  letEnd(promise: Promise<unknown>): void;
  /** The same for work whose result cannot be delayed: the results in the queue wait for it, too. */
  comeFirst(promise: Promise<unknown>): void;
  /** URLs of responses that the browser checks as a whole (`integrity`) before the page gets any of them. */
  verified(): string[];
  /**
   * Resolves when nothing more happens at the present virtual time, or when all that is left is to wait for a worker,
   * which may be working or waiting for the network.
   */
  atRest(): Promise<Rest>;
  /** Reads a file that the page has loaded, as one of Genlock's own requests. Rejects as `fetch` does. */
  readFile(url: string): Promise<Response>;
  /** The bytes of a response to `readFile`. */
  bytesOf(response: Response): Promise<ArrayBuffer>;
  /** Whether a script may be listening for an image to load. */
  listensToImages(): boolean;
  /** Whether `exchange` is running messages and tasks. */
  isExchanging: boolean;
  /** The native `postMessage` of ports, which is not counted. */
  readonly realPost: (this: MessagePort, message: unknown, transfer?: Transferable[]) => void;
  /** Runs a function after `delay` virtual milliseconds. Returns an id for `clearTimeout`. */
  addTimer(run: () => void, delay: number): number;
  /** Postpones all timers by so many milliseconds. */
  shiftTimers(by: number): void;
  /** The virtual time at which the next timer of this context or its workers is due; Infinity if there is none. */
  nextDue(): number;
  /**
   * Runs one timer that would be due if nested timers were not clamped to 4 ms: with such timers a page polls for work
   * that takes no virtual time. Returns whether there was one.
   */
  runClampedTimer(): Promise<boolean>;
  /**
   * For when the clock is stopped by a promise of the page and nothing else is left to do: releases postponed messages
   * and runs a clamped timer, here and in the workers. Returns whether there was any of that.
   */
  nudge(): Promise<boolean>;
  /** Does that in the workers only. */
  nudgeWorkers(): Promise<boolean>;
  /** Runs the timers due by this virtual time, in order, each in a task of its own. Returns whether there were any. */
  runTimers(until: number): Promise<boolean>;
  /** Whether a frame callback is waiting. */
  awaitsFrame(): boolean;
  /** Runs the waiting frame callbacks once. */
  runFrameCallbacks(): Promise<void>;
  /** Counter that rises with each timer, task and message that has run. */
  activity: number;
  /** Identifies the present part of the present moment: messages and tasks are limited per part. */
  partOfMoment(): string;
  /** Records that some messages or tasks are postponed to the next part. */
  notePostponed(): void;
  /** Whether some are postponed and this moment has another part for them. */
  hasPostponed(): boolean;
  /** Whether the page has yet to be told that iframes have loaded. */
  hasLoadedFrames(): boolean;
  /** Fires the `load` events of those iframes. */
  fireFrameLoads(): Promise<void>;
  /**
   * Starts the next part for them. With `always`, does so even if the moment has had all its parts. Returns whether any
   * messages or tasks are postponed.
   */
  releasePostponed(always?: boolean): boolean;
  /** Runs tasks and messages, in this context and to and from its workers. Returns whether there were any. */
  exchange(): Promise<boolean>;
  /** The functions that make up `exchange`. Each returns whether it has done anything. */
  readonly exchanges: Set<() => Promise<boolean>>;
  workers: Workers | undefined;
  /**
   * Keeps this port for ourselves and creates a replacement for the page, or for its worker. Messages posted to the
   * replacement go out through the real port, with a call of `sent` for each; `deliver` passes on a message that the
   * real port has received.
   */
  splitPort(real: MessagePort, sent: () => void): { replacement: MessagePort; deliver(message: MessageEvent): void };
  /** The virtual time at which the next timer of a worker is due; Infinity if there is none. */
  nextWorkerDue(): number;
  /** Runs the timers of workers that are due by this virtual time. */
  runWorkerTimers(until: number): Promise<void>;
  /** Runs the frame callbacks of workers. */
  runWorkerFrames(): Promise<void>;
  /** The transferred canvases of the page; their numbers travel with them. */
  canvases: CanvasRegistry | undefined;
  /** Copies what was drawn on transferred canvases into the page. */
  showCanvases(): Promise<void>;
  /** Rewrites the `will-change` hints that would make a frame depend on earlier ones. */
  rewriteHints(): void;
  /** Adds our style sheet to the document and every shadow tree (see `installOwnSheet`). */
  adoptOwnSheet(): void;
  ownSheet: CSSStyleSheet | undefined;
  /** Whether the page styles browser-made parts of elements, whose animations no script can list. */
  stylesParts(): boolean;
  /** Blocks until all WebGL drawing has finished. */
  finishDrawing(): void;
  readWebGl: typeof readWebGl;
  /** Whether a script has obtained a WebGL context. */
  usesWebGl(): boolean;
  /** Set when the page has asked for WebGPU in vain. */
  webgpu: Outcome['webgpu'];
  /** Whether the present WebGL calls are ours rather than the page's. */
  isInternal: boolean;
  /** Records that the content of `source` is being read, if it is a canvas. */
  noteCanvasRead(source: unknown): void;
  /** Whether drawing that was skipped in undrawn frames is needed after all: it is to be seen, or has been read. */
  missesDrawing(): boolean;
  /** Resolves when this worker has nothing more to do at the present virtual time. */
  untilIdle(): Promise<void>;
  /** Whether a worker has failed since the last call without the page handling the error. */
  hasFailed(): boolean;
  /** Returns the canvas pictures drawn by workers of this worker, each once. */
  takeForwardedPictures(): [id: number, picture: ImageBitmap][];
  /** Returns the URLs of workers that were terminated before they had started, each once. */
  takeUnstartedWorkers(): string[];
  /**
   * Finds animations that are new, or that the page has moved, as of virtual time `at`. If there are many, new CSS
   * animations are found only with `all`.
   */
  observeAnimations(at: number, all: boolean): void;
  /** Adds a new animation, passed on by the renderer. */
  keepAnimation(animation: Animation): void;
  /** How many animations are known. */
  countAnimations(): number;
  /** Pauses the clocks of new SVGs, as of virtual time `at`. */
  pauseSvgs(at: number): void;
  /** Moves every running animation to virtual time `to`. */
  moveAnimations(to: number): void;
  /** The document and its shadow roots. */
  roots(): Iterable<Document | ShadowRoot>;
  /** The page's style sheets in one of these, without our own. */
  sheetsIn(root: Document | ShadowRoot): CSSStyleSheet[];
  /** Calls a function for each shadow root that is attached from now on. */
  onRoot(watch: (root: ShadowRoot) => void): void;
  /** Update what is shown at the present time: called in each step, before the frame callbacks. */
  readonly movers: ((to: number) => Promise<unknown>)[];
  /** Return what still has to be awaited at the present virtual time: called until all return nothing. */
  readonly waits: (() => Promise<unknown>[])[];
  /**
   * Registers a function both as mover and as wait: `update` shows what it can for the present time, and returns what
   * to await before calling it again.
   */
  keepUp(update: () => Promise<unknown>[]): void;
  /**
   * What an animated image shows at the present time; null if it is not animated or cannot be read. If that is not
   * known yet, a promise to await before asking again.
   */
  animatedPicture(source: string): AnimatedFrame | null | Promise<unknown>;
  /** The state of the document's files so far. */
  fileFaults(): FileFaults;
  /** Whether a style uses the image or font at this URL. */
  stylesWith(url: string): boolean;
  /**
   * How the document uses a style sheet that is missing or has the wrong MIME type: `idle` if nothing that refers to it
   * applies, `accepted` if the document accepts any type.
   */
  sheetUse(url: string, isOfWrongType: boolean): SheetUse;
  /** Whether a font face for which this file is one source has loaded from another. */
  hasFontInstead(url: string): boolean;
  /** Whether scripts have created fonts from this file, and each has loaded from another source or is not in use. */
  isFontDispensable(url: string): boolean;
  /** URLs, with fragment, of the parts of other SVG files that `<use>` shows or has shown. */
  shownParts(): string[];
  /** A fault for each of these parts that is not in its file. */
  missingParts(urls: readonly string[]): Promise<FileFault[]>;
  /** Inspects loaded files. Returns a fault for each that cannot be decoded. */
  inspect(pictures: readonly string[], fonts: readonly string[]): Promise<FileFault[]>;
  /** Whether the browser is processing the `MediaSource` of an element; undefined if the element has none. */
  isAssembling(element: HTMLMediaElement): boolean | undefined;
  /** The virtual playback of media elements. */
  media: Media | undefined;
  /** Makes a video show its frame for this time, in seconds. */
  showVideo(video: HTMLVideoElement, seconds: number): Promise<void>;
  /** The videos in the document that have a picture. */
  videos(): HTMLVideoElement[];
  /**
   * Makes the browser present the current frames of all videos to its compositor. Returns what has happened since the
   * last call.
   */
  presentVideos(): VideoNews;
  /** To be called when a seek of a video has ended. */
  videoSeeked(video: HTMLVideoElement): void;
  /** Whether the page is waiting for the first frame of a video (`requestVideoFrameCallback`). */
  isVideoAwaited(video: HTMLVideoElement): boolean;
  /** Adds a shadow root found by the renderer; those that scripts attach are added automatically. */
  adoptShadowRoot(root: ShadowRoot): void;
  /** Whether there may be shadow roots that no script can find: from markup, or of a marquee. */
  hidesRoots(): boolean;
  /** To be called when all of them have been passed to `adoptShadowRoot`. */
  rootsSearched(): void;
  /** The document's markup or server has scheduled a navigation to this URL, `delay` milliseconds from now. */
  refresh(url: string, delay: number): void;
  /** How many elements layout observers observe, and how often these observers have been called. */
  observers: { targets: number; calls: number };
  /**
   * Whether the browser has deferred something until it comes into view, which it detects only when it makes a frame.
   */
  hasDeferredContent(): boolean;
  /** Whether the browser skips even the layout of something until it comes into view. */
  skipsLayout: boolean;
  /** How many view transitions have yet to take their snapshots of the page. */
  pendingSnapshots: number;
  /**
   * Waits until nothing is due, pending or loading at the present virtual time. `frame` is the frame that the page
   * shows, for a document created later than frame 0.
   */
  settle(frame?: number, options?: SettleOptions): Promise<Outcome>;
  /**
   * Advances the page from frame `from` (-1 in the very first step) to this frame, the next or a later one. `frameUse`
   * is `drawn` by default. Without `hasNewAnimations`, the previous step has already found all animations.
   */
  step(frame: number, from: number, frameUse?: FrameUse, hasNewAnimations?: boolean): Promise<Outcome>;
}

/** A part of the clock. */
export type PagePart = (control: Control) => void;

/** Where the renderer finds the control object in a page: `globalThis[Symbol.for(CONTROL_KEY)]`. */
export const CONTROL_KEY = 'genlock.control';
