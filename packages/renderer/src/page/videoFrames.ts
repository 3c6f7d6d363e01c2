import type { Control } from './control.js';

/** Makes a video show the exact frame for a time, and calls the callbacks of `requestVideoFrameCallback`. */
export function installVideoFrames(control: Control): void {
  /** WebM rounds times to 1 ms, so a frame counts as started this much before its time, in seconds. */
  const EARLY = 0.0006;
  /** The interval between two checks of what a video shows, in real milliseconds. */
  const LOOK_MS = 2;
  /** How many checks to make before taking a detour to get the video to show the right frame. */
  const LOOKS = 25;
  /** How many checks to make during that detour, which may take long on a busy machine. */
  const PATIENT_LOOKS = 1000;

  interface Shown {
    /** The time of the frame shown, in seconds of the video; undefined until it has shown one. */
    time: number | undefined;
    count: number;
    /** Its frames cannot be told apart: there is only one, or the video is cross-origin and cannot be read. */
    single: boolean;
    callbacks: Map<number, VideoFrameRequestCallback>;
    /** The id of the native callback request that makes the browser present the video. */
    request: number | undefined;
  }
  /** Events other than success that end a seek. */
  const ENDS = ['error', 'emptied'];
  const seeks = new WeakMap<HTMLVideoElement, () => void>();
  const shown = new WeakMap<HTMLVideoElement, Shown>();
  const writeTime = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime')!.set as (
    this: HTMLMediaElement,
    seconds: number,
  ) => void;
  const { requestVideoFrameCallback: request, cancelVideoFrameCallback: cancel } = HTMLVideoElement.prototype;
  /** Videos that show another frame than when they were last presented. */
  const changed = new Set<HTMLVideoElement>();
  /** Videos that were in view when they were last presented. */
  let inView = new Set<HTMLVideoElement>();
  const listen = EventTarget.prototype.addEventListener;
  const unlisten = EventTarget.prototype.removeEventListener;
  let lastId = 0;

  function stateOf(video: HTMLVideoElement): Shown {
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

  /** Start and end of the frame that a video shows, in seconds. Undefined if it shows none or cannot be read. */
  function look(video: HTMLVideoElement): Picture | undefined {
    try {
      const frame = new VideoFrame(video);
      const time = frame.timestamp / 1e6;
      const end = time + (frame.duration ?? 0) / 1e6;
      frame.close();
      return { time, end };
    } catch (error) {
      if ((error as DOMException).name === 'SecurityError') stateOf(video).single = true;
      return undefined;
    }
  }

  /** Resolves when the browser has decoded the frame, which it may show only some milliseconds later. */
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
   * Seeks, and waits until the frame is shown: either a frame with the right time, or any other frame than before,
   * since the browser shows exactly one frame for a seek. The frame before may stay visible for a while.
   */
  async function show(video: HTMLVideoElement, seconds: number): Promise<void> {
    const state = stateOf(video);
    // Wait for the video's very first frame, which must not be mistaken for the one sought.
    await until(() => look(video) !== undefined || state.single, PATIENT_LOOKS);
    const before = look(video)?.time;
    const arrived = () => {
      const now = look(video);
      if (!now) return false;
      return now.time !== before || (now.time <= seconds && seconds < now.end);
    };
    await seek(video, seconds);
    if ((await until(arrived)) || state.single) return;
    // The last frame is shown past its end, and rounded times leave gaps between frames. So seek elsewhere and back: if
    // the same frame appears again, it is the right one.
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
    // Seek at most to just before the end: at the end, the browser would consider the video ended, and loop it.
    await show(video, Math.min(seconds + EARLY, Number.isFinite(end) ? Math.max(0, end - 0.0001) : Infinity));
    const state = stateOf(video);
    const time = look(video)?.time ?? seconds;
    if (time === state.time) return;
    state.time = time;
    state.count += 1;
    changed.add(video);
    await runCallbacks(video, state);
  };

  /** Whether any part of the video is in view, judging by the boxes of its ancestors. */
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
    // The overflow of <html> and <body> applies to the viewport.
    for (let around = video.parentElement; around && position !== 'fixed'; around = around.parentElement) {
      const style = getComputedStyle(around);
      // An absolutely positioned element is clipped by its containing block, but not by the elements in between.
      if (around === document.body || around === document.documentElement) break;
      if (position === 'absolute' && style.position === 'static') continue;
      if (style.overflow !== 'visible') clip(around);
      position = style.position;
    }
    return left < right && top < bottom;
  }

  // The browser does not present a video's frame while the video is out of view, or while the frame before has yet to
  // be drawn. Its own `requestVideoFrameCallback` makes it check again in each frame of the page.
  control.presentVideos = () => {
    const videos = control.videos();
    for (const video of videos) {
      const state = stateOf(video);
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
    stateOf(this).callbacks.set(++lastId, callback);
    return lastId;
  };
  HTMLVideoElement.prototype.cancelVideoFrameCallback = function (id) {
    stateOf(this).callbacks.delete(id);
  };
}
