import type { AnimatedFrame, Control } from './control.js';

/**
 * Animated pictures (GIF, APNG, WebP, AVIF) follow the virtual clock. The browser would move them by
 * the ticks of the frames that it draws; so each frame is decoded here, and the element is made to
 * show it: an `<img>` by the CSS property `content`, an SVG `<image>` by its `href`. Those in style sheets
 * are asked for by `animatedStyles`.
 */
export function installAnimatedImages(control: Control): void {
  if (typeof ImageDecoder === 'undefined') return;
  /** What browsers take durations of up to 10 ms for, in milliseconds. */
  const SHORTEST = 10;
  const INSTEAD = 100;
  const NEVER_ANIMATED = /^[^#?]+\.(jpe?g|svg|bmp|ico)([#?]|$)|^data:image\/(jpeg|svg)/i;

  interface Animation {
    decoder: ImageDecoder;
    count: number;
    /** How often it is played. */
    plays: number;
    /** Virtual time at which the page first had it, in milliseconds. */
    start: number;
    /** When each frame ends within a turn, as far as known, in milliseconds. */
    ends: number[];
    /** The frame that was decoded last. */
    decoded: { index: number; image: VideoFrame } | undefined;
    /** Pictures of the frames that were shown. They stay loaded. */
    frames: Map<number, HTMLImageElement>;
    /** What it shows, and at what time. */
    shown: (AnimatedFrame & { time: number }) | undefined;
  }
  /** By address: null for what is not animated, or cannot be decoded. */
  const known = new Map<string, Animation | null>();
  /** Addresses whose file is read or whose frame is made just now: once at a time. */
  const busy = new Map<string, Promise<unknown>>();
  /** Addresses of single frames. */
  const ours = new Set<string>();
  const listen = EventTarget.prototype.addEventListener;
  const overridden = new WeakMap<Element, { source: string; url: string }>();

  /** What kind of animated file it is, by its first bytes. */
  function typeOf(bytes: Uint8Array): string | undefined {
    const text = String.fromCharCode(...bytes.subarray(0, 4096));
    if (text.startsWith('GIF8')) return 'image/gif';
    if (text.startsWith('\x89PNG')) return text.includes('acTL') ? 'image/png' : undefined;
    if (text.startsWith('WEBPVP8X', 8)) return bytes[20]! & 2 ? 'image/webp' : undefined;
    return text.startsWith('ftypavis', 4) ? 'image/avif' : undefined;
  }

  async function read(url: string): Promise<Animation | null> {
    const start = control.now;
    const response = await control.readFile(url);
    const [head, whole] = response.body!.tee();
    const reader = head.getReader();
    const first = await reader.read();
    void reader.cancel();
    const type = typeOf(first.value ?? new Uint8Array());
    if (!response.ok || type === undefined) {
      void whole.cancel();
      return null;
    }
    const decoder = new ImageDecoder({ data: await new Response(whole).arrayBuffer(), type });
    await Promise.all([decoder.completed, decoder.tracks.ready]);
    const track = decoder.tracks.selectedTrack;
    if (!track?.animated || track.frameCount < 2) return null;
    const plays = track.repetitionCount + 1;
    const frames: Animation['frames'] = new Map();
    return {
      decoder,
      count: track.frameCount,
      plays,
      start,
      ends: [],
      decoded: undefined,
      frames,
      shown: undefined,
    };
  }

  /** Each frame is decoded once if possible: it is made from the one before. */
  async function decode(animation: Animation, index: number): Promise<VideoFrame> {
    const { decoded, decoder } = animation;
    if (decoded?.index === index) return decoded.image;
    const { image } = await decoder.decode({ frameIndex: index });
    animation.decoded?.image.close();
    animation.decoded = { index, image };
    return image;
  }

  /** Which frame is shown at a virtual time, by the durations in the file. */
  async function indexAt(animation: Animation, now: number): Promise<number> {
    const { ends, count } = animation;
    // Times are sums of fractions: a frame counts as begun a microsecond early.
    const passed = now - animation.start + 0.001;
    while (ends.length < count && (ends.at(-1) ?? 0) <= passed) {
      const image = await decode(animation, ends.length);
      const duration = (image.duration ?? 0) / 1000;
      ends.push((ends.at(-1) ?? 0) + (duration > SHORTEST ? duration : INSTEAD));
    }
    const turn = ends.length === count ? ends.at(-1)! : Infinity;
    if (passed >= turn * animation.plays) return count - 1;
    return ends.findIndex((end) => passed % turn < end);
  }

  async function frameOf(animation: Animation, index: number): Promise<HTMLImageElement> {
    const ready = animation.frames.get(index);
    if (ready) return ready;
    const image = await decode(animation, index);
    const canvas = document.createElement('canvas');
    canvas.width = image.displayWidth;
    canvas.height = image.displayHeight;
    canvas.getContext('2d')!.drawImage(image, 0, 0);
    // Not toBlob() nor decode(): those wait for a browser that is idle, or for a frame to be drawn.
    const picture = new Image();
    await new Promise<unknown>((resolve) => {
      // A handler would tell that the page hears of its pictures.
      for (const type of ['load', 'error']) listen.call(picture, type, resolve);
      picture.src = canvas.toDataURL();
    });
    animation.frames.set(index, picture);
    ours.add(picture.src);
    return picture;
  }

  async function advance(animation: Animation): Promise<void> {
    const time = control.now;
    const { src: url, naturalWidth: width } = await frameOf(animation, await indexAt(animation, time));
    animation.shown = { time, url, width };
  }

  function* elements(): Generator<[HTMLImageElement | SVGImageElement, string]> {
    for (const root of control.roots()) {
      for (const image of root.querySelectorAll('img')) {
        if (image.complete && image.naturalWidth > 0) yield [image, image.currentSrc];
      }
      for (const image of root.querySelectorAll('image')) {
        const href = image.href.baseVal;
        const mine = overridden.get(image);
        if (href !== '') yield [image, mine?.url === href ? mine.source : new URL(href, document.baseURI).href];
      }
    }
  }

  function override(element: HTMLImageElement | SVGImageElement, source: string, frame: AnimatedFrame): void {
    const { url, width } = frame;
    if (element instanceof SVGImageElement) {
      if (element.href.baseVal !== url) element.href.baseVal = url;
    } else if (overridden.get(element)?.url !== url || element.style.content === '') {
      // The picture may be meant for a screen of several pixels for each one of CSS.
      const density = width / element.naturalWidth;
      element.style.setProperty('content', `image-set(url("${url}") ${density}x)`, 'important');
    }
    overridden.set(element, { source, url });
  }

  function restore(element: Element): void {
    if (overridden.delete(element) && element instanceof HTMLImageElement) element.style.removeProperty('content');
  }

  /** Reads a file that is new, or makes the frame of the present time. What cannot be read or decoded is left alone. */
  async function prepare(source: string): Promise<void> {
    try {
      const animation = known.get(source);
      if (animation) await advance(animation);
      else known.set(source, await read(source));
    } catch {
      known.set(source, null);
    }
    busy.delete(source);
  }

  control.animatedPicture = (source) => {
    const animation = NEVER_ANIMATED.test(source) || ours.has(source) ? null : known.get(source);
    if (animation === null) return null;
    if (animation?.shown?.time === control.now) return animation.shown;
    let preparing = busy.get(source);
    if (!preparing) busy.set(source, (preparing = prepare(source)));
    return preparing;
  };

  /** Shows the frames of the present time; returns what is to be waited for before that can be done. */
  function update(): Promise<unknown>[] {
    const waiting = new Set<Promise<unknown>>();
    for (const [element, source] of elements()) {
      const picture = control.animatedPicture(source);
      if (picture && !(picture instanceof Promise)) {
        override(element, source, picture);
        continue;
      }
      if (picture) waiting.add(picture);
      if (!picture || overridden.get(element)?.source !== source) restore(element);
    }
    return [...waiting];
  }

  control.keepUp(update);
}
