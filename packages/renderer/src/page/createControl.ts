import type { PageConfig } from './config.js';
import type { Control } from './control.js';

/** Creates the control object and stores it where the renderer finds it. */
export function createControl(config: PageConfig, key: string): Control {
  const channel = new MessageChannel();
  const tasks: (() => void)[] = [];
  channel.port1.onmessage = () => tasks.shift()?.();
  const pending = new Set<Promise<void>>();
  const names = new Map<Promise<void>, string>();
  /** Missing in a worker that has just been created; later it is on the prototype, behind our own. */
  const realSetTimeout = (globalThis as { setTimeout?: typeof setTimeout }).setTimeout;
  const realDelay = () =>
    realSetTimeout ?? (Object.getPrototypeOf(Object.getPrototypeOf(globalThis)) as typeof globalThis).setTimeout;
  const realRequestFrame = globalThis.requestAnimationFrame;
  const { fetch: realFetch } = globalThis;
  const realBytes = Response.prototype.arrayBuffer;

  /** How long to wait for the last task, in milliseconds: a page that sends itself messages without end has none. */
  const PATIENCE_MS = 2000;
  /** On a busy machine the last task may be that late, too: only after this many late ones is it no longer awaited. */
  const MAX_FLOODS = 3;
  let floods = 0;
  /** The part of a moment in which the last task was last late. */
  let floodedPart = '';
  /** A task of the lowest priority runs when no other is left. */
  const { scheduler } = globalThis as { scheduler?: { postTask(run: () => void, options: object): Promise<void> } };
  const realPostTask = scheduler?.postTask.bind(scheduler);

  const realPost = MessagePort.prototype.postMessage as Control['realPost'];
  /**
   * The number of parts of a moment. In each part, messages and tasks are postponed after a fixed number, and continue
   * in the next part, when all work that takes real time is done: the page may be polling for its result.
   */
  const PARTS = 5;
  let part = { moment: '', number: 0, isHeldBack: false };
  /** Rounds of messages in one part of a moment. A page that sends messages forever continues in the next part. */
  const MAX_ROUNDS = 20;
  const MAX_ROUNDS_AT_LOAD = 400;
  let rounds = 0;
  let roundsPart = '';

  function presentPart(): typeof part {
    const moment = `${control.frame} ${control.now}`;
    if (part.moment !== moment) part = { moment, number: 0, isHeldBack: false };
    return part;
  }
  /** Exchanges run one after the other, even if `settle` is called while it runs: so no round is counted twice. */
  let lastExchange = Promise.resolve(false);

  const control: Control = {
    config,
    nextSeed: () => 0,
    now: 0,
    frame: 0,
    started: false,
    ...config.moment,
    born: config.moment?.now ?? 0,
    active: false,
    wasActive: false,
    takeActive: () => {
      const was = control.active || control.wasActive;
      control.active = control.wasActive = false;
      return was;
    },
    frameUse: 'drawn',
    key: Symbol.for(key),
    pending,
    readFile: (url) => realFetch(url.replace(/#.*/, '') + config.ownRequest, { cache: 'force-cache' }),
    bytesOf: (response) => realBytes.call(response),
    track: (promise, name, patience) => {
      const done = begin(name);
      if (patience !== undefined) void control.realDelay(patience).then(done);
      // A new promise, so that a rejection that the page does not handle is still reported.
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
    pendingNames: () => [...new Set(names.values())],
    hold: (promise) => {
      const done = begin();
      promise.then(done, done);
    },
    trackEvents: () => Promise.resolve(),
    streams: undefined,
    realFrame: () => new Promise((resolve) => realRequestFrame(() => resolve())),
    realDelay: (ms) => new Promise((resolve) => realDelay().call(globalThis, resolve, ms)),
    whenComplete: (run) => run(),
    inTask: (run) =>
      new Promise((resolve) => {
        tasks.push(() => {
          try {
            run();
          } finally {
            resolve();
          }
        });
        realPost.call(channel.port2, null);
      }),
    realPost,
    activity: 0,
    partOfMoment: () => `${presentPart().moment} ${part.number}`,
    notePostponed: () => {
      presentPart().isHeldBack = true;
    },
    hasPostponed: () => presentPart().isHeldBack && part.number < PARTS - 1,
    hasLoadedFrames: () => false,
    fireFrameLoads: () => Promise.resolve(),
    releasePostponed: (always = false) => {
      if (!(always ? presentPart().isHeldBack : control.hasPostponed())) return false;
      part.number++;
      part.isHeldBack = false;
      return true;
    },
    afterAll: async () => {
      const isFlooded = floods === MAX_FLOODS || floodedPart === control.partOfMoment();
      if (!realPostTask || isFlooded) return control.inTask(() => {});
      let isLast = false;
      const last = realPostTask(() => void (isLast = true), { priority: 'background' });
      await Promise.race([last, control.realDelay(PATIENCE_MS)]);
      if (isLast || floodedPart === control.partOfMoment()) return;
      floods++;
      floodedPart = control.partOfMoment();
    },
    takePlace: () => (deliver) => void deliver(),
    inLine: (promise) => {
      const give = control.takePlace();
      return new Promise((resolve, reject) => {
        promise.then(
          (value) => give(() => resolve(value)),
          (error: unknown) => give(() => reject(error)),
        );
      });
    },
    isFed: () => false,
    deliver: () => {},
    untilDelivered: () => Promise.resolve(),
    inFlight: new Set(),
    letEnd: (promise) => {
      const ended = promise.then(
        () => void control.inFlight.delete(ended),
        () => void control.inFlight.delete(ended),
      );
      control.inFlight.add(ended);
    },
    comeFirst: (promise) => control.letEnd(promise),
    verified: () => [],
    atRest: () =>
      Promise.resolve({
        busy: false,
        blocked: false,
        hears: false,
        needsFrame: false,
        verified: [],
        unstartedWorkers: [],
      }),
    listensToImages: () => false,
    isExchanging: false,
    exchanges: new Set(),
    exchange: () => (lastExchange = lastExchange.then(exchange)),
    observers: { targets: 0, calls: 0 },
    hasDeferredContent: () => false,
    skipsLayout: false,
    pendingSnapshots: 0,
    promised: 0,
    addTimer: () => 0,
    shiftTimers: () => {},
    runClampedTimer: () => Promise.resolve(false),
    nudge: async () => {
      const goesOn = control.releasePostponed(true);
      const urged = await Promise.all([control.runClampedTimer(), control.nudgeWorkers()]);
      return goesOn || urged.includes(true);
    },
    nudgeWorkers: () => Promise.resolve(false),
    nextDue: () => Infinity,
    runTimers: () => Promise.resolve(false),
    awaitsFrame: () => false,
    runFrameCallbacks: () => Promise.resolve(),
    workers: undefined,
    splitPort: (real) => ({ replacement: real, deliver: () => {} }),
    nextWorkerDue: () => Infinity,
    runWorkerTimers: () => Promise.resolve(),
    runWorkerFrames: () => Promise.resolve(),
    canvases: undefined,
    showCanvases: () => {
      control.canvases?.showOwn();
      return Promise.resolve();
    },
    rewriteHints: () => {},
    adoptOwnSheet: () => {},
    ownSheet: undefined,
    stylesParts: () => false,
    finishDrawing: () => {},
    usesWebGl: () => false,
    webgpu: undefined,
    readWebGl: () => {},
    isInternal: false,
    noteCanvasRead: () => {},
    missesDrawing: () => false,
    untilIdle: async () => {
      for (;;) {
        await control.inTask(() => {});
        await control.exchange();
        const { fonts } = globalThis as { fonts?: FontFaceSet };
        const waiting: Promise<unknown>[] = [...control.pending];
        if (fonts?.status === 'loading') waiting.push(fonts.ready);
        if (waiting.length === 0 && !control.releasePostponed()) break;
        await Promise.race([Promise.allSettled(waiting), control.realDelay(5)]);
      }
      control.finishDrawing();
    },
    hasFailed: () => false,
    takeForwardedPictures: () => [],
    takeUnstartedWorkers: () => [],
    observeAnimations: () => {},
    keepAnimation: () => {},
    countAnimations: () => 0,
    pauseSvgs: () => {},
    moveAnimations: () => {},
    roots: () => [document],
    sheetsIn: () => [],
    onRoot: () => {},
    movers: [],
    waits: [],
    keepUp: (update) => {
      control.movers.push(async () => {
        for (let waiting = update(); waiting.length > 0; waiting = update()) await Promise.all(waiting);
      });
      control.waits.push(update);
    },
    animatedPicture: () => null,
    fileFaults: () => ({ failing: [], replaced: [], broken: [], parts: [], modules: false, fonts: false }),
    stylesWith: () => false,
    hasFontInstead: () => false,
    isFontDispensable: () => false,
    shownParts: () => [],
    missingParts: () => Promise.resolve([]),
    sheetUse: () => 'unknown',
    inspect: () => Promise.resolve([]),
    isAssembling: () => undefined,
    media: undefined,
    showVideo: () => Promise.resolve(),
    videos: () => [],
    presentVideos: () => 'none',
    videoSeeked: () => {},
    isVideoAwaited: () => false,
    adoptShadowRoot: () => {},
    hidesRoots: () => false,
    rootsSearched: () => {},
    refresh: () => {},
    settle: () => Promise.resolve({ settleAgain: false, hasObservers: false, observerCalls: 0 }),
    step: () => control.settle(),
  };

  /** Adds pending work. Returns a function that ends it. */
  function begin(name?: string): () => void {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    pending.add(gate);
    if (name !== undefined) names.set(gate, name);
    return () => {
      pending.delete(gate);
      names.delete(gate);
      release();
    };
  }

  async function exchange(): Promise<boolean> {
    if (roundsPart !== control.partOfMoment()) rounds = 0;
    roundsPart = control.partOfMoment();
    let any = false;
    for (; rounds < (control.started ? MAX_ROUNDS : MAX_ROUNDS_AT_LOAD); rounds++) {
      // Results that the browser has ready, or is working on, come before messages and tasks.
      await control.untilDelivered();
      control.isExchanging = true;
      let busy = false;
      for (const exchangePart of control.exchanges) if (await exchangePart()) busy = true;
      control.isExchanging = false;
      control.deliver();
      if (!busy) return any;
      control.activity++;
      any = true;
    }
    control.notePostponed();
    return any;
  }

  // An iframe that a script inserts starts at the page's time. A cross-origin one gets the time from the renderer.
  try {
    const above = (globalThis.parent as unknown as Record<symbol, Control | undefined>)[control.key];
    if (above && globalThis.parent !== globalThis.window) {
      control.now = control.born = above.now;
      control.frame = above.frame;
      control.started = above.started;
    }
  } catch {
    // The parent is cross-origin.
  }
  Object.defineProperty(globalThis, control.key, { value: control });
  return control;
}
