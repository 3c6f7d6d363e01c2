import type { Control } from './control.js';
import type { Media, Playback } from './media.js';

/**
 * `<video>` and `<audio>` play in virtual time. The real element never plays: the playback that the page sees is
 * computed here, and each step makes a video show its frame.
 */
export function installPlayback(control: Control): void {
  const TIMEUPDATE_MS = 250;
  /** How far a sum of fractions may exceed the exact time of its frame, in milliseconds. */
  const ROUNDING = 1e-6;
  const HAVE_METADATA = 1;
  const HAVE_CURRENT_DATA = 2;

  /** URLs of files whose end is missing. */
  const incomplete = new Set<string>();
  const setVirtualTimeout = setTimeout;
  const clearVirtualTimeout = clearTimeout;
  const listen = EventTarget.prototype.addEventListener;
  const playbacks = new WeakMap<HTMLMediaElement, Playback>();
  const elements = new Set<WeakRef<HTMLMediaElement>>();

  /** A live stream cannot be sought. */
  const isLive = (element: HTMLMediaElement) => element.srcObject instanceof MediaStream;
  const hasPicture = (element: HTMLMediaElement): element is HTMLVideoElement =>
    element instanceof HTMLVideoElement && element.videoWidth > 0;

  function playbackOf(element: HTMLMediaElement): Playback {
    const known = playbacks.get(element);
    if (known) return known;
    const playback: Playback = {
      paused: true,
      position: 0,
      at: control.now,
      shown: undefined,
      showing: undefined,
      seeking: false,
      autoplays: true,
      stopAt: undefined,
      timer: undefined,
      lastTimeUpdate: control.now,
      ready: new Map(),
      source: 0,
      starting: undefined,
    };
    playbacks.set(element, playback);
    elements.add(new WeakRef(element));
    media.onAdopted(element);
    listen.call(element, 'loadedmetadata', () => readFragment(element, playback));
    listen.call(element, 'durationchange', () => schedule(element, playback));
    return playback;
  }

  /** Reads the start and end of a media fragment, such as `#t=2,4` or `#t=npt:0:01.5`. */
  function readFragment(element: HTMLMediaElement, playback: Playback): void {
    const fragment = new URLSearchParams(element.currentSrc.split('#')[1] ?? '').get('t')?.replace(/^npt:/, '');
    if (fragment) {
      const [start, end] = fragment
        .split(',')
        .map((time) => time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0));
      if (playback.position === 0 && start! > 0) playback.position = Math.min(start!, element.duration);
      if (end !== undefined && end > playback.position) playback.stopAt = end;
    }
    schedule(element, playback);
  }

  function timeOf(element: HTMLMediaElement, { paused, position, at }: Playback): number {
    if (paused || element.readyState < HAVE_METADATA) return position;
    const time = position + ((control.now - at) / 1000) * element.playbackRate;
    return Number.isNaN(element.duration) ? time : Math.min(time, element.duration);
  }

  function rebase(element: HTMLMediaElement, playback: Playback): void {
    playback.position = timeOf(element, playback);
    playback.at = control.now;
  }

  const atEnd = (element: HTMLMediaElement, playback: Playback) =>
    element.readyState >= HAVE_METADATA && timeOf(element, playback) >= element.duration && !element.loop;

  /** Dispatches events, each in a task of its own. */
  function dispatch(element: HTMLMediaElement, ...types: string[]): void {
    for (const type of types) void control.track(control.inTask(() => element.dispatchEvent(new Event(type))));
  }

  function schedule(element: HTMLMediaElement, playback: Playback): void {
    clearVirtualTimeout(playback.timer);
    const rate = element.playbackRate;
    const { stopAt, position } = playback;
    const stops = stopAt !== undefined && stopAt > position && stopAt < element.duration;
    const end = stops ? stopAt : element.duration;
    if (playback.paused || !Number.isFinite(end) || rate <= 0) return;
    const wait = ((end - position) / rate) * 1000 - (control.now - playback.at) - ROUNDING;
    playback.timer = setVirtualTimeout(() => reachEnd(element, playback, end, stops), wait);
  }

  function reachEnd(element: HTMLMediaElement, playback: Playback, end: number, stops: boolean): void {
    playback.at = control.now;
    if (element.loop && !stops && end > 0) {
      playback.position = 0;
      dispatch(element, 'seeking', 'timeupdate', 'seeked');
      schedule(element, playback);
      return;
    }
    playback.position = end;
    playback.paused = true;
    playback.stopAt = undefined;
    dispatch(element, 'timeupdate', 'pause');
    if (!stops) dispatch(element, 'ended');
  }

  function reset(element: HTMLMediaElement): void {
    const playback = playbackOf(element);
    clearVirtualTimeout(playback.timer);
    interrupt(playback, 'The play() request was interrupted by a new load request.');
    Object.assign(playback, { paused: true, position: 0, at: control.now, shown: undefined, seeking: false });
    playback.ready.clear();
    Object.assign(playback, { autoplays: true, stopAt: undefined, source: playback.source + 1 });
  }

  function interrupt(playback: Playback, message: string): void {
    const { starting } = playback;
    playback.starting = undefined;
    for (const { reject } of starting ?? []) reject(new DOMException(message, 'AbortError'));
  }

  function start(element: HTMLMediaElement, playback: Playback): void {
    playback.autoplays = false;
    if (!playback.paused) return;
    if (atEnd(element, playback)) playback.position = 0;
    playback.paused = false;
    playback.at = control.now;
    playback.lastTimeUpdate = control.now;
    playback.starting ??= [];
    if (element.preload !== 'auto') element.preload = 'auto';
    dispatch(element, 'play');
    schedule(element, playback);
  }

  /** Starts what newly loaded data allows. Called only at the times of frames, however long loading took. */
  function applyLoaded(element: HTMLMediaElement, playback: Playback): void {
    if (element.error) {
      const { starting } = playback;
      playback.starting = undefined;
      for (const { reject } of starting ?? []) reject(new DOMException(element.error.message, 'NotSupportedError'));
    }
    if (element.readyState < HAVE_CURRENT_DATA) return;
    if (element.autoplay && playback.autoplays && playback.paused) start(element, playback);
    if (!playback.starting || playback.paused) return;
    const { starting } = playback;
    playback.starting = undefined;
    dispatch(element, 'playing');
    for (const { resolve } of starting) resolve();
  }

  function isLoading(element: HTMLMediaElement, playback: Playback): boolean {
    const { networkState, readyState, preload } = element;
    const shows = element instanceof HTMLVideoElement && element.poster === '';
    const enough = !playback.paused || shows ? HAVE_CURRENT_DATA : HAVE_METADATA;
    if (element.error || readyState >= enough || incomplete.has(element.currentSrc)) return false;
    const isAssembling = control.isAssembling(element);
    if (isAssembling !== undefined) return isAssembling;
    if (networkState === HTMLMediaElement.NETWORK_LOADING) return true;
    // A small file may be loaded completely before it is decoded.
    return networkState === HTMLMediaElement.NETWORK_IDLE && (!playback.paused || preload !== 'none');
  }

  /** Makes the element show the present position, unless it already does. */
  function show(element: HTMLMediaElement, playback: Playback): Promise<void> | undefined {
    // A seek into the missing part may never end.
    if (incomplete.has(element.currentSrc)) return undefined;
    if (playback.showing) return playback.showing;
    if (element.error || element.readyState < (playback.seeking ? HAVE_METADATA : HAVE_CURRENT_DATA)) return undefined;
    const time = timeOf(element, playback);
    const showsPoster = () =>
      playback.shown === undefined && playback.paused && !playback.seeking && time === 0 && video.poster !== '';
    const video = element as HTMLVideoElement;
    if (time === playback.shown || !hasPicture(element) || (showsPoster() && !control.isVideoAwaited(video))) {
      if (playback.seeking) finishSeek(element, playback);
      return undefined;
    }
    const { source } = playback;
    playback.showing = control.showVideo(element, time).then(() => {
      playback.showing = undefined;
      if (playback.source !== source) return;
      playback.shown = time;
      if (playback.seeking && timeOf(element, playback) === time) finishSeek(element, playback);
    });
    return playback.showing;
  }

  function finishSeek(element: HTMLMediaElement, playback: Playback): void {
    playback.seeking = false;
    dispatch(element, 'timeupdate', 'seeked');
    if (playback.paused && atEnd(element, playback)) dispatch(element, 'ended');
  }

  function pause(element: HTMLMediaElement): void {
    const playback = playbackOf(element);
    playback.autoplays = false;
    if (playback.paused) return;
    rebase(element, playback);
    playback.paused = true;
    clearVirtualTimeout(playback.timer);
    interrupt(playback, 'The play() request was interrupted by a call to pause().');
    dispatch(element, 'timeupdate', 'pause');
  }

  function play(element: HTMLMediaElement): Promise<void> {
    const playback = playbackOf(element);
    const { error } = element;
    if (error) return Promise.reject(new DOMException(error.message, 'NotSupportedError'));
    start(element, playback);
    return new Promise((resolve, reject) => {
      if (playback.starting) playback.starting.push({ resolve, reject });
      else resolve();
    });
  }

  function moveTo(element: HTMLMediaElement, playback: Playback, time: number): void {
    playback.position = time;
    playback.at = control.now;
    if (element.readyState < HAVE_METADATA) return;
    playback.position = Math.max(0, Math.min(time, element.duration));
    playback.seeking = true;
    dispatch(element, 'seeking');
    schedule(element, playback);
  }

  function* all(): Generator<[HTMLMediaElement, Playback]> {
    for (const reference of elements) {
      const element = reference.deref();
      if (!element) elements.delete(reference);
      else if (!isLive(element)) yield [element, playbackOf(element)];
    }
  }

  control.movers.push(async () => {
    const showings: Promise<void>[] = [];
    for (const [element, playback] of all()) {
      applyLoaded(element, playback);
      if (!playback.paused && control.now - playback.lastTimeUpdate >= TIMEUPDATE_MS) {
        playback.lastTimeUpdate = control.now;
        dispatch(element, 'timeupdate');
      }
      const showing = show(element, playback);
      if (showing) showings.push(showing);
    }
    await Promise.all(showings);
  });

  control.waits.push(() => {
    const waiting: Promise<unknown>[] = [];
    for (const [element, playback] of all()) {
      applyLoaded(element, playback);
      const showing = show(element, playback);
      if (showing) waiting.push(showing);
      // Loading is checked again at the next call.
      else if (isLoading(element, playback)) waiting.push(control.realDelay(5));
    }
    return waiting;
  });

  control.videos = () =>
    [...all()]
      .map(([element]) => element)
      .filter(hasPicture)
      .filter((video) => video.isConnected);

  const calls = { isLive, playbackOf, timeOf, atEnd, play, pause, moveTo, reset, rebase, schedule };
  const media: Media = {
    ...calls,
    giveUp: (url: string) => void incomplete.add(url),
    elements: () => [...all()].map(([element]) => element),
    onAdopted: () => {},
  };
  control.media = media;
}
