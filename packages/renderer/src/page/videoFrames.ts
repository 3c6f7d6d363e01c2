import type { Control } from './control.js';

/** Shows the exact frame of a video for a time, and calls those who asked for it with `requestVideoFrameCallback`. */
export function installVideoFrames(control: Control): void {
  /** WebM rounds times to 1 ms: a frame counts as begun this much before its time, in seconds. */
  const EARLY = 0.0006;
  /** Between two looks at what a video shows, in real milliseconds. */
  const LOOK_MS = 2;
  /** Looks at a video that does not show what it should, before it is made to by a detour. */
  const LOOKS = 25;
  /** Looks during that detour: a machine that has much to do may take a while. */
  const PATIENT_LOOKS = 1000;

  interface Shown {
    /** Time of the frame in the video, in seconds; undefined until it has shown one. */
    time: number | undefined;
    count: number;
    /** Nothing tells its frames apart: it has one, or it is of another origin and cannot be looked at. */
    single: boolean;
    callbacks: Map<number, VideoFrameRequestCallback>;
    /** The browser's number of the request that makes it present what is shown. */
    request: number | undefined;
  }
  /** What ends a seek besides its success. */
  const ENDS = ['error', 'emptied'];
  const seeks = new WeakMap<HTMLVideoElement, () => void>();
  const shown = new WeakMap<HTMLVideoElement, Shown>();
  const writeTime = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime')!.set as (
    this: HTMLMediaElement,
    seconds: number,
  ) => void;
  const { requestVideoFrameCallback: request, cancelVideoFrameCallback: cancel } = HTMLVideoElement.prototype;
  /** Those that show something else since they were last presented. */
  const changed = new Set<HTMLVideoElement>();
  /** Those that were in view when they were last presented. */
  let inView = new Set<HTMLVideoElement>();
  const listen = EventTarget.prototype.addEventListener;
  const unlisten = EventTarget.prototype.removeEventListener;
  let lastId = 0;

  function of(video: HTMLVideoElement): Shown {
    let state = shown.get(video);
    if (!state) {
      const fresh: Shown = { time: undefined, count: 0, single: false, callbacks: new Map(), request: undefined };
      listen.call(video, 'emptied', () => {
        fresh.time = undefined;
        fresh.single = false;
      });
      shown.set(video, (state = fresh));
    }
    return state;
  }

  interface Picture {
    time: number;
    end: number;
  }

  /** When the frame that a video shows begins and ends in it. Undefined if there is none, or none to be looked at. */
  function look(video: HTMLVideoElement): Picture | undefined {
    try {
      const frame = new VideoFrame(video);
      const time = frame.timestamp / 1e6;
      const end = time + (frame.duration ?? 0) / 1e6;
      frame.close();
      return { time, end };
    } catch (error) {
      if ((error as DOMException).name === 'SecurityError') of(video).single = true;
      return undefined;
    }
  }

  /** Resolves when the browser has decoded the frame; it may show it only some milliseconds later. */
  function seek(video: HTMLVideoElement, seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        seeks.delete(video);
        for (const type of ENDS) unlisten.call(video, type, done);
        resolve();
      };
      seeks.set(video, done);
      for (const type of ENDS) listen.call(video, type, done);
      writeTime.call(video, seconds);
    });
  }
  control.videoSeeked = (video) => seeks.get(video)?.();

  async function until(condition: () => boolean, looks = LOOKS): Promise<boolean> {
    for (let count = 0; count < looks; count++) {
      if (condition()) return true;
      await control.realDelay(LOOK_MS);
    }
    return condition();
  }

  /**
   * Seeks, and waits until the frame is shown: it is the right one by its time, or it is another one than
   * before, because the browser shows one frame for a seek. The one before may still be shown for a while.
   */
  async function show(video: HTMLVideoElement, seconds: number): Promise<void> {
    const state = of(video);
    // Its very first frame may still be on its way, and is not to be taken for the one sought.
    await until(() => look(video) !== undefined || state.single, PATIENT_LOOKS);
    const before = look(video)?.time;
    const arrived = () => {
      const now = look(video);
      if (!now) return false;
      return now.time !== before || (now.time <= seconds && seconds < now.end);
    };
    await seek(video, seconds);
    if ((await until(arrived)) || state.single) return;
    // The last frame may be shown long past its end, and rounded times leave gaps between frames: whether
    // the one before is the right one is known by coming from another one.
    await seek(video, before === undefined || before > 0 ? 0 : video.duration);
    state.single = !(await until(() => look(video)?.time !== before, PATIENT_LOOKS));
    const elsewhere = look(video)?.time;
    await seek(video, seconds);
    if (!state.single) await until(() => look(video)?.time !== elsewhere, PATIENT_LOOKS);
  }

  async function runCallbacks(video: HTMLVideoElement, state: Shown): Promise<void> {
    const { callbacks } = state;
    if (callbacks.size === 0) return;
    state.callbacks = new Map();
    const metadata: VideoFrameCallbackMetadata = {
      presentationTime: control.now,
      expectedDisplayTime: control.now,
      width: video.videoWidth,
      height: video.videoHeight,
      mediaTime: state.time ?? video.currentTime,
      presentedFrames: state.count,
      processingDuration: 0,
    };
    for (const callback of callbacks.values()) {
      await control.inTask(() => callback(control.now, metadata));
    }
  }

  control.showVideo = async (video, seconds) => {
    const end = video.duration;
    // Just before the end: there the browser would find the video ended, and begin a loop of its own.
    await show(video, Math.min(seconds + EARLY, Number.isFinite(end) ? Math.max(0, end - 0.0001) : Infinity));
    const state = of(video);
    const time = look(video)?.time ?? seconds;
    if (time === state.time) return;
    state.time = time;
    state.count += 1;
    changed.add(video);
    await runCallbacks(video, state);
  };

  /** Whether the document shows a part of it, as far as its boxes tell. */
  function isInView(video: HTMLVideoElement): boolean {
    if (!video.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    let [left, top, right, bottom] = [0, 0, innerWidth, innerHeight];
    const clip = (element: Element) => {
      const box = element.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    };
    clip(video);
    let { position } = getComputedStyle(video);
    // What overflows <html> and <body> is the view's own matter.
    for (let around = video.parentElement; around && position !== 'fixed'; around = around.parentElement) {
      const style = getComputedStyle(around);
      // An element that is placed by another one is clipped by that, and not by those between the two.
      if (around === document.body || around === document.documentElement) break;
      if (position === 'absolute' && style.position === 'static') continue;
      if (style.overflow !== 'visible') clip(around);
      position = style.position;
    }
    return left < right && top < bottom;
  }

  // A video hands over no picture while it cannot be seen, or while the one before has yet to be drawn.
  // The browser's own `requestVideoFrameCallback` makes it look again, and take part in the page's frames.
  control.presentVideos = () => {
    const videos = control.videos();
    for (const video of videos) {
      const state = of(video);
      if (state.request !== undefined) cancel.call(video, state.request);
      state.request = request.call(video, () => {});
    }
    const before = inView;
    inView = new Set(videos.filter(isInView));
    const appeared = [...inView].some((video) => !before.has(video));
    const hasChanged = changed.size > 0;
    changed.clear();
    return appeared ? 'appeared' : hasChanged ? 'changed' : 'none';
  };

  control.isVideoAwaited = (video) => {
    const state = shown.get(video);
    return state !== undefined && state.callbacks.size > 0 && state.time === undefined;
  };

  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    of(this).callbacks.set(++lastId, callback);
    return lastId;
  };
  HTMLVideoElement.prototype.cancelVideoFrameCallback = function (id) {
    of(this).callbacks.delete(id);
  };
}
