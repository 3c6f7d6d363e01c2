import type { AnimatedFrame, Control } from './control.js';

/**
 * Animated images (GIF, APNG, WebP, AVIF) follow the virtual clock. The browser would advance them with the frames it
 * draws, so each animation frame is decoded here and shown by the element: in an `<img>` through the CSS property
 * `content`, in an SVG `<image>` through its `href`. `animatedStyles` does the same for images in style sheets.
 */
export function installAnimatedImages(control: Control): void {
  if (typeof ImageDecoder === 'undefined') return;
  /** Browsers replace durations of up to 10 ms by 100 ms. */
  const SHORTEST_MS = 10;
  const REPLACEMENT_MS = 100;
  const NEVER_ANIMATED = /^[^#?]+\.(jpe?g|svg|bmp|ico)([#?]|$)|^data:image\/(jpeg|svg)/i;

  interface Animation {
    decoder: ImageDecoder;
    count: number;
    /** How many times the animation plays. */
    plays: number;
    /** Virtual time at which the page first used the image, in milliseconds. */
    start: number;
    /** End time of each frame within one iteration, in milliseconds; filled in as frames are decoded. */
    ends: number[];
    /** The most recently decoded frame. */
    decoded: { index: number; image: VideoFrame } | undefined;
    /** An image for each frame shown so far. They stay loaded. */
    frames: Map<number, HTMLImageElement>;
    /** What the image shows, and the virtual time that this was computed for. */
    shown: (AnimatedFrame & { time: number }) | undefined;
  }
  /** By URL; null for an image that is not animated or cannot be decoded. */
  const known = new Map<string, Animation | null>();
  /** By URL: files being read and frames being made, so that each is done only once at a time. */
  const busy = new Map<string, Promise<unknown>>();
  /** URLs of the single frames that are made here. */
  const frameUrls = new Set<string>();
  const listen = EventTarget.prototype.addEventListener;
  const overridden = new WeakMap<Element, { source: string; url: string }>();

  /** The MIME type of an animated image, recognized by its first bytes. */
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

  /** Decodes a frame, unless it is the last one decoded: decoding builds on the frame before. */
  async function decode(animation: Animation, index: number): Promise<VideoFrame> {
    const { decoded, decoder } = animation;
    if (decoded?.index === index) return decoded.image;
    const { image } = await decoder.decode({ frameIndex: index });
    animation.decoded?.image.close();
    animation.decoded = { index, image };
    return image;
  }

  /** The index of the frame shown at a virtual time, according to the durations in the file. */
  async function indexAt(animation: Animation, now: number): Promise<number> {
    const { ends, count } = animation;
    // Times are sums of fractions, so a frame counts as started one microsecond early.
    const elapsed = now - animation.start + 0.001;
    while (ends.length < count && (ends.at(-1) ?? 0) <= elapsed) {
      const image = await decode(animation, ends.length);
      const duration = (image.duration ?? 0) / 1000;
      ends.push((ends.at(-1) ?? 0) + (duration > SHORTEST_MS ? duration : REPLACEMENT_MS));
    }
    const turn = ends.length === count ? ends.at(-1)! : Infinity;
    if (elapsed >= turn * animation.plays) return count - 1;
    return ends.findIndex((end) => elapsed % turn < end);
  }

  async function frameOf(animation: Animation, index: number): Promise<HTMLImageElement> {
    const ready = animation.frames.get(index);
    if (ready) return ready;
    const image = await decode(animation, index);
    const canvas = document.createElement('canvas');
    canvas.width = image.displayWidth;
    canvas.height = image.displayHeight;
    canvas.getContext('2d')!.drawImage(image, 0, 0);
    // Neither toBlob() nor decode(): they wait until the browser is idle or draws a frame.
    const picture = new Image();
    await new Promise<unknown>((resolve) => {
      // Not `onload`: `imageListeners` would take that for a listener of the page.
      for (const type of ['load', 'error']) listen.call(picture, type, resolve);
      picture.src = canvas.toDataURL();
    });
    animation.frames.set(index, picture);
    frameUrls.add(picture.src);
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
        const override = overridden.get(image);
        if (href !== '') yield [image, override?.url === href ? override.source : new URL(href, document.baseURI).href];
      }
    }
  }

  function override(element: HTMLImageElement | SVGImageElement, source: string, frame: AnimatedFrame): void {
    const { url, width } = frame;
    if (element instanceof SVGImageElement) {
      if (element.href.baseVal !== url) element.href.baseVal = url;
    } else if (overridden.get(element)?.url !== url || element.style.content === '') {
      // The image may have been chosen for a device pixel ratio other than 1.
      const density = width / element.naturalWidth;
      element.style.setProperty('content', `image-set(url("${url}") ${density}x)`, 'important');
    }
    overridden.set(element, { source, url });
  }

  function restore(element: Element): void {
    if (overridden.delete(element) && element instanceof HTMLImageElement) element.style.removeProperty('content');
  }

  /**
   * Reads a new file, or makes the frame for the present time. An image that cannot be read or decoded is left as it
   * is.
   */
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
    const animation = NEVER_ANIMATED.test(source) || frameUrls.has(source) ? null : known.get(source);
    if (animation === null) return null;
    if (animation?.shown?.time === control.now) return animation.shown;
    let preparing = busy.get(source);
    if (!preparing) busy.set(source, (preparing = prepare(source)));
    return preparing;
  };

  /** Shows the frames for the present time. Returns what to wait for before calling this again. */
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
