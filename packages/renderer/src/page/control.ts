import type { CanvasRegistry } from './canvasRegistry.js';
import type { Moment, PageConfig } from './config.js';
import type { FileFault, FileFaults, FrameUse, Outcome, Rest } from './outcome.js';
import type { Media } from './media.js';
import type { readWebGl } from './readWebGl.js';
import type { Streams } from './streamTypes.js';
import type { Workers } from './workerTypes.js';

/**
 * What runs inside the page. Every function of this folder is sent there as its source text, so
 * each one is complete in itself: it uses its arguments and the page's globals, never an import.
 * The same clock runs in every document and in every worker.
 */

/** What is new of the videos of a document: one shows something else, or one has come into view. */
export type VideoNews = 'none' | 'changed' | 'appeared';

/** One frame of an animated picture. */
export interface AnimatedFrame {
  url: string;
  /** In pixels. */
  width: number;
}

/** What a document makes of a style sheet. */
export type SheetUse = 'applied' | 'idle' | 'accepted' | 'unknown';

/** What the parts of the clock share inside one document or worker. */
export interface Control extends Moment {
  readonly config: PageConfig;
  /** The seed of the next worker that this context starts. */
  nextSeed(): number;
  /** The virtual time at which this context began: zero of its `performance.now()`. */
  born: number;
  /** Work that takes real time but no virtual time: the clock stands still until it is done. */
  readonly pending: Set<Promise<void>>;
  /** How many of these are promises that the page gave us: it may need anything to keep them, timers as well. */
  promised: number;
  /** A message went, or may have gone, to another context since this was last looked at. */
  active: boolean;
  /** The same, where the workers have been asked since, but whoever moves this context does not know of it. */
  wasActive: boolean;
  /** Whether there was any of that: told once. */
  takeActive(): boolean;
  /** What becomes of the frame that is being prepared. */
  frameUse: FrameUse;
  /** Where a document of the same origin keeps its control object. */
  readonly key: symbol;
  /**
   * Counts the promise among the work that the clock waits for, by a name for people: no longer than `patience`, in
   * milliseconds. Give the page the returned one.
   */
  track<T>(promise: Promise<T>, name?: string, patience?: number): Promise<T>;
  /** The names of the work that the clock waits for, each once. */
  pendingNames(): string[];
  /** The same for a promise that the page has already, or does not get: whether it is rejected is not looked at. */
  hold(promise: Promise<unknown>): void;
  /** Counts what an object does as pending until the first of these events. Resolves then. */
  trackEvents(target: EventTarget, ...types: string[]): Promise<void>;
  streams: Streams | undefined;
  /** Resolves when the browser has begun its next own frame, in a browser that draws by itself. */
  realFrame(): Promise<void>;
  /**
   * Runs a function once the context has all of its features. A worker has some of them only after
   * our script: it runs when the worker reaches for one of those, or at its first message.
   */
  whenComplete(run: () => void): void;
  /** Real time, for waiting on real work. */
  realDelay(ms: number): Promise<void>;
  /** Runs a function in a task of its own, after all microtasks of the one before. */
  inTask(run: () => void): Promise<void>;
  /** Resolves when nothing else is to be run in this thread at present. */
  afterAll(): Promise<void>;
  /**
   * Takes a place in the line of what the page waits for. Returns what is to be called once that is there: the page
   * gets it when those before it have been handed over, in a task of its own, when nothing else is to be run; where
   * that only begins it, its end is waited for. Only
   * for what ends by itself: not for what the network, or the page, has to do something for.
   */
  takePlace(): (hand: () => void | Promise<void>) => void;
  /** The promise, with such a place: give the page the returned one. */
  inLine<T>(promise: Promise<T>): Promise<T>;
  /** Whether the body of a request or response comes from the page. */
  isFed(body: object): boolean;
  /** Gives the page what is there and has its turn. */
  deliver(): void;
  /** Resolves when the page has all that it waits for in this order. */
  untilDelivered(): Promise<void>;
  /** What else the browser is doing for the page, and will end by itself. */
  readonly inFlight: Set<Promise<unknown>>;
  /** Counts a promise among that until it settles: the next answer of the network waits for it. */
  letEnd(promise: Promise<unknown>): void;
  /** Addresses of which the browser checks all of the answer before the page has the first word of it. */
  verified(): string[];
  /**
   * Resolves when nothing more is done at the present virtual time: to whether anything was, and whether a worker is
   * waited for, which may be at work, or wait for the network.
   */
  atRest(): Promise<Rest>;
  /** Reads a file that the page has, for ourselves. Rejects as `fetch` does. */
  readFile(url: string): Promise<Response>;
  /** The bytes of what `readFile` found. */
  bytesOf(response: Response): Promise<ArrayBuffer>;
  /** Whether a script may hear of it when a picture has loaded. */
  listensToImages(): boolean;
  /** Whether messages and tasks are being run. */
  isExchanging: boolean;
  /** Posts a message past everything that counts messages. */
  readonly realPost: (this: MessagePort, message: unknown, transfer?: Transferable[]) => void;
  /** Runs a function once at a virtual time from now. Returns what `clearTimeout` takes. */
  addTimer(run: () => void, delay: number): number;
  /** Puts off all timers by so many milliseconds. */
  shiftTimers(by: number): void;
  /** When the next timer of this context and of its workers is due; Infinity without any. */
  nextDue(): number;
  /**
   * Runs a timer of which only the least delay of nested timers has not passed, if there is one: the page asks again
   * and again for what takes no virtual time. Returns whether there was one.
   */
  runClampedTimer(): Promise<boolean>;
  /**
   * The clock stands still for a promise of the page, and nothing else is left: messages that are held back go on, and
   * a timer that only its least delay holds back runs, here and in the workers. Returns whether there was any of that.
   */
  nudge(): Promise<boolean>;
  /** The part of this that is the workers'. */
  nudgeWorkers(): Promise<boolean>;
  /** Runs the timers that are due up to this virtual time, in order, each one in its own task. Returns whether there were any. */
  runTimers(until: number): Promise<boolean>;
  /** Whether a frame callback is waiting. */
  awaitsFrame(): boolean;
  /** Runs the frame callbacks that are waiting, once. */
  runFrameCallbacks(): Promise<void>;
  /** Goes up with timers, tasks and messages: whether the page has had any since. */
  activity: number;
  /** Messages and tasks are counted in each part of a moment: names the present one. */
  partOfMoment(): string;
  /** Tells that some are held back until the next part. */
  notePostponed(): void;
  /** Whether some are held back that may go on within this moment. */
  hasPostponed(): boolean;
  /** Begins the next part for them; with `always` also where the moment has had all of its parts. Returns whether there are any. */
  releasePostponed(always?: boolean): boolean;
  /** Runs what takes no virtual time: tasks and messages, within this context and to its workers. Returns whether there was any. */
  exchange(): Promise<boolean>;
  /** The parts of `exchange`. Each one returns whether it has done anything. */
  readonly exchanges: Set<() => Promise<boolean>>;
  workers: Workers | undefined;
  /**
   * Gives the page, or its worker, another port in the place of this one, which is ours: `sent` is called for whatever
   * goes out of it, and `deliver` hands over what has come in.
   */
  splitPort(real: MessagePort, sent: () => void): { replacement: MessagePort; deliver(message: MessageEvent): void };
  /** When the next timer of a worker is due. */
  nextWorkerDue(): number;
  /** Runs the timers of workers up to this virtual time. */
  runWorkerTimers(until: number): Promise<void>;
  /** Runs the frame callbacks of workers. */
  runWorkerFrames(): Promise<void>;
  /** Canvases of the page that are drawn elsewhere: their numbers go with them. */
  canvases: CanvasRegistry | undefined;
  /** Brings what was drawn on such canvases into the page. */
  showCanvases(): Promise<void>;
  /** Puts hints for layers that make a picture depend on earlier ones into other words. */
  rewriteHints(): void;
  /** Gives every tree of elements the sheet that keeps it from what is not a function of the frame. */
  adoptOwnSheet(): void;
  ownSheet: CSSStyleSheet | undefined;
  /** Whether there may be animations that no script can list. */
  stylesParts(): boolean;
  /** Waits until what was drawn with WebGL is drawn. */
  finishDrawing(): void;
  readWebGl: typeof readWebGl;
  /** Whether a script has asked for a context of WebGL, and got one. */
  usesWebGl(): boolean;
  /** What the page has asked of WebGPU and not got. */
  webgpu: Outcome['webgpu'];
  /** Whether it is not the page that reads and draws at present. */
  isInternal: boolean;
  /** Takes note that somebody reads what is on a canvas, if it is one. */
  noteCanvasRead(source: unknown): void;
  /** Whether something is to be seen, or was read, that was left out of a frame because that was not to be drawn. */
  missesDrawing(): boolean;
  /** Waits until a worker has nothing more to do at the present virtual time. */
  untilIdle(): Promise<void>;
  /** Whether a worker has failed since this was last asked, and the page has not handled that. */
  hasFailed(): boolean;
  /** Pictures of canvases that workers of this worker have drawn. */
  takeForwardedPictures(): [id: number, picture: ImageBitmap][];
  /** Addresses of workers that were ended before they had begun, each one told once. */
  takeUnstartedWorkers(): string[];
  /**
   * Takes note of animations that are new or that the page moved, as of virtual time `at`. Where there are many,
   * new ones of style sheets are found only with `all`.
   */
  observeAnimations(at: number, all: boolean): void;
  /** Takes note of an animation that is new. */
  keepAnimation(animation: Animation): void;
  /** How many animations are known. */
  countAnimations(): number;
  /** Stops the clocks of SVGs that are new, as of virtual time `at`. */
  pauseSvgs(at: number): void;
  /** Moves every animation that was found running to virtual time `to`. */
  moveAnimations(to: number): void;
  /** The trees of elements in the document: its own and those of shadow roots. */
  roots(): Iterable<Document | ShadowRoot>;
  /** The page's style sheets in one of these trees: not our own. */
  sheetsIn(root: Document | ShadowRoot): CSSStyleSheet[];
  /** Calls a function with each shadow root that is attached from now on. */
  onRoot(watch: (root: ShadowRoot) => void): void;
  /** Parts that show something else at another time: called at each step before the frame callbacks. */
  readonly movers: ((to: number) => Promise<unknown>)[];
  /** What parts are still waiting for at the present virtual time: asked again until nobody waits. */
  readonly waits: (() => Promise<unknown>[])[];
  /**
   * Adds a part that is a mover and waits: `update` shows what there is at the present time, and returns what
   * has to be waited for before it is called again.
   */
  keepUp(update: () => Promise<unknown>[]): void;
  /**
   * What an animated picture shows at the present time. Null for what is not animated, or cannot be read; a
   * promise of what is to be waited for before that can be said.
   */
  animatedPicture(source: string): AnimatedFrame | null | Promise<unknown>;
  /** What became of the files of the document so far. */
  fileFaults(): FileFaults;
  /** Whether a style asks for this picture. */
  stylesWith(url: string): boolean;
  /**
   * Whether the picture needs a style sheet that is missing, or of a wrong type: `idle` where all that ask for it do
   * not apply, `accepted` where the document does not mind the type.
   */
  sheetUse(url: string, isOfWrongType: boolean): SheetUse;
  /** Whether a font of which this is one file has another one, which has come. */
  hasFontInstead(url: string): boolean;
  /** Whether a script has made a font of this file, and has another one in its place or shows it nowhere. */
  isFontDispensable(url: string): boolean;
  /** Addresses, each with its fragment, of the parts of other SVG files that are shown, or were. */
  shownParts(): string[];
  /** Which of these are not in their files. */
  missingParts(urls: readonly string[]): Promise<FileFault[]>;
  /** Looks into files that have come: those of them that cannot be decoded. */
  inspect(pictures: readonly string[], fonts: readonly string[]): Promise<FileFault[]>;
  /** Media that a script puts together, where that is what an element plays: whether the browser is at work on it. */
  isAssembling(element: HTMLMediaElement): boolean | undefined;
  /** The playing of media elements. */
  media: Media | undefined;
  /** Makes a video show what it has at this time, in seconds. */
  showVideo(video: HTMLVideoElement, seconds: number): Promise<void>;
  /** The videos in the document that have a picture. */
  videos(): HTMLVideoElement[];
  /**
   * Makes the browser hand over what videos show to whoever draws the page, where it has not yet. Returns
   * what is new since the last call.
   */
  presentVideos(): VideoNews;
  /** Tells that a video has been sought. */
  videoSeeked(video: HTMLVideoElement): void;
  /** Whether the page waits for the next picture of a video. */
  isVideoAwaited(video: HTMLVideoElement): boolean;
  /** Takes a shadow root among the trees: those that scripts attach come by themselves. */
  adoptShadowRoot(root: ShadowRoot): void;
  /** Whether there may be shadow trees that no script can find: of markup, or of a marquee. */
  hidesRoots(): boolean;
  /** All such trees that there were have been given to `adoptShadowRoot`. */
  rootsSearched(): void;
  /** The document is to go to an address, so many milliseconds from now, as its markup or its server says. */
  refresh(url: string, delay: number): void;
  /** Whether an observer of layout is at work, and how often such observers have been called. */
  observers: { targets: number; calls: number };
  /** Whether the browser has left something to itself until it can be seen: only in a frame will it find out. */
  hasDeferredContent(): boolean;
  /** Whether there is something that the browser does not even lay out until it can be seen. */
  skipsLayout: boolean;
  /** How many view transitions have yet to take their pictures of the page. */
  pendingSnapshots: number;
  /**
   * Waits until nothing is due, pending or loading at the present virtual time. `frame` is the one
   * that the page shows, for a document that has come later than frame 0. What was held back goes on with `goesOn`;
   * with `isUrged` the document is urged first.
   */
  settle(frame?: number, releasesPostponed?: boolean, isNudged?: boolean): Promise<Outcome>;
  /**
   * Moves the page to this frame, the next or a later one, from frame `from`: -1 for the first step of all.
   * `fate` is by default `shown`. Without `hasNewAnimations` there are no animations that the step before has not found.
   */
  step(frame: number, from: number, frameUse?: FrameUse, hasNewAnimations?: boolean): Promise<Outcome>;
}

/** A part of the clock. */
export type PagePart = (control: Control) => void;

/** Where the renderer finds the control object in a page: `globalThis[Symbol.for(CONTROL_KEY)]`. */
export const CONTROL_KEY = 'genlock.control';
