import type { Control } from './control.js';
import type { Playback } from './media.js';

/** Replaces the playback of all media elements by virtual playback. */
export function installMediaElements(control: Control): void {
  const media = control.media!;
  const { isLive, playbackOf } = media;
  const READY_EVENTS = ['canplay', 'canplaythrough'];
  const OWN_EVENTS = [
    'play',
    'playing',
    'pause',
    'waiting',
    'ended',
    'timeupdate',
    'seeking',
    'seeked',
    ...READY_EVENTS,
  ];

  const elements = HTMLMediaElement.prototype;
  const property = (name: string) => Object.getOwnPropertyDescriptor(elements, name)!;
  const native = { play: elements.play, pause: elements.pause, load: elements.load };
  const listen = EventTarget.prototype.addEventListener;

  /** Hides the events of the real element from the page: they result from our own calls. */
  function hideFromPage(event: Event): void {
    const { target: element, type } = event;
    if (!(element instanceof HTMLMediaElement) || !event.isTrusted || isLive(element)) return;
    // The browser reports available data after each seek. The page gets only the first report.
    const { ready } = playbackOf(element);
    if (READY_EVENTS.includes(type) && (ready.get(type) ?? event) === event) {
      ready.set(type, event);
      return;
    }
    event.stopImmediatePropagation();
    if (type === 'seeked' && element instanceof HTMLVideoElement) control.videoSeeked(element);
  }

  /**
   * Pauses the real element, which disables autoplay even if it is paused already. An element without a source is left
   * alone, since pausing would make it look for one.
   */
  function preventAutoplay(element: HTMLMediaElement): void {
    if (element.networkState !== HTMLMediaElement.NETWORK_EMPTY && !isLive(element)) native.pause.call(element);
  }

  media.onAdopted = (element) => {
    for (const type of OWN_EVENTS) listen.call(element, type, hideFromPage);
    listen.call(element, 'loadstart', () => preventAutoplay(element));
    preventAutoplay(element);
  };

  elements.play = function () {
    return isLive(this) ? native.play.call(this) : media.play(this);
  };
  elements.pause = function () {
    if (isLive(this)) native.pause.call(this);
    else media.pause(this);
  };
  elements.load = function () {
    media.reset(this);
    native.load.call(this);
  };
  elements.fastSeek = function (time) {
    this.currentTime = time;
  };

  /** Replaces a property of elements without a live stream: `get` reads it, and `set`, if given, sets it. */
  function replaceProperty(
    name: 'paused' | 'ended' | 'seeking' | 'currentTime',
    get: (element: HTMLMediaElement, playback: Playback) => unknown,
    set?: (element: HTMLMediaElement, playback: Playback, value: number) => void,
  ): void {
    const real = property(name);
    Object.defineProperty(elements, name, {
      ...real,
      get(this: HTMLMediaElement): unknown {
        return isLive(this) ? real.get!.call(this) : get(this, playbackOf(this));
      },
      ...(set && {
        set(this: HTMLMediaElement, value: unknown) {
          // For a value that is not a number, the browser throws the right error.
          if (isLive(this) || !Number.isFinite(Number(value))) real.set!.call(this, value);
          else set(this, playbackOf(this), Number(value));
        },
      }),
    });
  }
  replaceProperty('paused', (_, { paused }) => paused);
  replaceProperty('ended', media.atEnd);
  replaceProperty('seeking', (_, { seeking }) => seeking);
  replaceProperty('currentTime', media.timeOf, media.moveTo);

  /** Runs functions before and after the page sets a property. */
  function wrapSetter(name: string, before: (element: HTMLMediaElement) => void, after?: typeof before): void {
    const real = property(name);
    Object.defineProperty(elements, name, {
      ...real,
      set(this: HTMLMediaElement, value: unknown) {
        before(this);
        real.set!.call(this, value);
        after?.(this);
      },
    });
  }
  wrapSetter(
    'playbackRate',
    (element) => media.rebase(element, playbackOf(element)),
    (element) => media.schedule(element, playbackOf(element)),
  );
  wrapSetter('src', media.reset);
  wrapSetter('srcObject', media.reset);
  elements.setAttribute = function (name, value) {
    if (name.toLowerCase() === 'src') media.reset(this);
    Element.prototype.setAttribute.call(this, name, value);
  };

  // An element is taken over before the page can listen to it; one created by the parser, at the latest when it starts
  // to load.
  elements.addEventListener = function (...args: Parameters<EventTarget['addEventListener']>) {
    playbackOf(this);
    listen.apply(this, args);
  };
  for (const name of ['createElement', 'createElementNS'] as const) {
    const create = Document.prototype[name] as (...args: unknown[]) => Element;
    Object.assign(Document.prototype, {
      [name](this: Document, ...args: unknown[]) {
        const element = create.apply(this, args);
        if (element instanceof HTMLMediaElement) playbackOf(element);
        return element;
      },
    });
  }
  globalThis.Audio = new Proxy(Audio, {
    construct: (target, args, newTarget) => {
      const element = Reflect.construct(target, args, newTarget) as HTMLAudioElement;
      playbackOf(element);
      return element;
    },
  });

  function watch(root: EventTarget): void {
    const found = ({ target }: Event) => {
      if (target instanceof HTMLMediaElement) playbackOf(target);
    };
    listen.call(root, 'loadstart', found, true);
    for (const type of OWN_EVENTS) listen.call(root, type, hideFromPage, true);
  }
  watch(globalThis);
  control.onRoot(watch);
}
