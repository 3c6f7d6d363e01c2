import type { Control } from './control.js';
import type { FileFault } from './outcome.js';

/**
 * Finds loaded files that are broken: images, videos, sounds and fonts that cannot be decoded. In the page, most of
 * them show up only as an empty element, or not at all. If the page uses another file instead, nothing is wrong.
 */
export function installFileFaults(control: Control): void {
  const { NETWORK_NO_SOURCE, HAVE_METADATA } = HTMLMediaElement;
  const listen = EventTarget.prototype.addEventListener;
  /** How many files are inspected at a time: all of them might not fit into memory. */
  const CONCURRENCY = 6;
  /** The URLs that each element has failed to load. */
  const failed = new Map<Element, Set<string>>();
  const watched = new WeakSet<Element>();
  /** Fonts that scripts have created from bytes. */
  const madeFonts: FontFace[] = [];
  let hasFontFailed = false;
  let hasModuleFailed = false;

  const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

  function absolute(address: string): string {
    return address !== '' && URL.canParse(address, document.baseURI)
      ? new URL(address, document.baseURI).href
      : address;
  }

  function onError({ target }: Event): void {
    if (!(target instanceof Element) || target.matches('link[rel~=preload], link[rel~=modulepreload]')) return;
    hasModuleFailed ||= target instanceof HTMLScriptElement && target.type === 'module';
    const { currentSrc, src, href, data } = target as unknown as Record<string, unknown>;
    const reference = href instanceof SVGAnimatedString ? href.baseVal : textOf(href);
    // An image blocked by the page's Content-Security-Policy has no `currentSrc`, only the URL as written in the
    // markup.
    const address = absolute(textOf(currentSrc) || textOf(src) || textOf(data) || reference);
    const isSource = target instanceof HTMLSourceElement && target.parentElement instanceof HTMLMediaElement;
    const element = isSource ? target.parentElement : target;
    if (address === '') return;
    const addresses = failed.get(element) ?? new Set();
    failed.set(element, addresses.add(address));
  }

  /** Whether an element shows something in spite of the error. */
  function showsContent(element: Element): boolean {
    if (element instanceof HTMLImageElement) return element.complete && element.naturalWidth > 0;
    // Its fallback content is shown instead.
    if (element instanceof HTMLObjectElement) return /\S/.test(element.innerHTML);
    return element instanceof HTMLMediaElement && element.error === null && element.readyState >= HAVE_METADATA;
  }

  listen.call(globalThis, 'error', onError, true);
  control.onRoot((root) => listen.call(root, 'error', onError, true));
  // The error event of an image outside the document reaches only the image itself.
  const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src')!;
  Object.defineProperty(HTMLImageElement.prototype, 'src', {
    ...source,
    set(this: HTMLImageElement, value: string) {
      if (!watched.has(this)) listen.call(this, 'error', onError);
      watched.add(this);
      source.set!.call(this, value);
    },
  });

  globalThis.FontFace = new Proxy(FontFace, {
    construct(target, args: unknown[], newTarget: typeof FontFace) {
      const font = Reflect.construct(target, args, newTarget) as FontFace;
      if (typeof args[1] !== 'string') madeFonts.push(font);
      return font;
    },
  });
  const loadFont = FontFace.prototype.load;
  FontFace.prototype.load = function () {
    return loadFont.call(this).catch((error: unknown) => {
      hasFontFailed = true;
      throw error;
    });
  };

  function mediaFaults(): FileFault[] {
    return control.media!.elements().flatMap((element) => {
      const { error, networkState, localName } = element;
      if (!error && networkState !== NETWORK_NO_SOURCE) return [];
      const last = [...element.querySelectorAll('source')].at(-1);
      const url = element.currentSrc || element.src || last?.src || '';
      return url === '' ? [] : [{ url, type: localName, reason: error?.message || 'the browser cannot decode it' }];
    });
  }

  control.fileFaults = () => {
    const failing = new Set<string>();
    const replaced = new Set<string>();
    for (const [element, addresses] of failed) {
      for (const address of addresses) (showsContent(element) ? replaced : failing).add(address);
    }
    const isBroken = (font: FontFace) => font.status === 'error';
    const fonts = madeFonts.filter((font) => isBroken(font) && document.fonts.has(font));
    const own = [...failing].filter((address) => /^(data|blob):/.test(address));
    return {
      failing: [...failing],
      replaced: [...replaced],
      modules: hasModuleFailed,
      parts: control.shownParts(),
      broken: [
        ...mediaFaults(),
        ...fonts.map(({ family }) => ({ url: family, type: 'font', reason: 'its bytes are not a font' })),
        ...own
          .filter(
            (url) => ![...failed].some(([element, all]) => all.has(url) && !(element instanceof HTMLImageElement)),
          )
          .map((url) => ({ url, type: 'image', reason: 'it is damaged or not an image' })),
      ],
      fonts: hasFontFailed || [...document.fonts].some(isBroken),
    };
  };

  const PICTURES = ['background-image', 'border-image-source', 'mask-image', 'list-style-image', 'content', 'cursor'];

  control.stylesWith = (url) => {
    const name = url.slice(url.lastIndexOf('/') + 1);
    const isFont = (rule: CSSRule) =>
      rule instanceof CSSFontFaceRule && rule.style.getPropertyValue('src').includes(name);
    for (const root of control.roots()) {
      // Its load handler may turn a preload into a style sheet in use.
      for (const link of root.querySelectorAll('link'))
        if (link.onload && link.relList.contains('preload') && link.as === 'style' && link.href === url) return true;
      for (const sheet of root.styleSheets) {
        try {
          if ([...sheet.cssRules].some(isFont)) return true;
        } catch {
          // A cross-origin sheet cannot be read.
        }
      }
      for (const element of root.querySelectorAll('*')) {
        for (const part of ['', '::before', '::after']) {
          const style = getComputedStyle(element, part);
          if (PICTURES.some((name) => style.getPropertyValue(name).includes(url))) return true;
        }
      }
    }
    return false;
  };

  function* fontRules(rules: CSSRuleList): Generator<CSSFontFaceRule> {
    for (const rule of rules) {
      if (rule instanceof CSSFontFaceRule) yield rule;
      try {
        const { cssRules } = rule instanceof CSSImportRule ? rule.styleSheet! : (rule as CSSGroupingRule);
        if (cssRules) yield* fontRules(cssRules);
      } catch {
        // A cross-origin sheet cannot be read.
      }
    }
  }

  control.hasFontInstead = (url) => {
    const name = url.slice(url.lastIndexOf('/') + 1);
    const plain = (text: string) => text.replace(/["']/g, '');
    return control.sheetsIn(document).some((sheet) => {
      try {
        return [...fontRules(sheet.cssRules)].some(({ style }) => {
          const given = (property: string) => plain(style.getPropertyValue(property));
          const isSame = (font: FontFace) =>
            plain(font.family) === given('font-family') &&
            font.weight === (given('font-weight') || 'normal') &&
            font.style === (given('font-style') || 'normal') &&
            font.unicodeRange === (given('unicode-range') || 'U+0-10FFFF');
          const isLoaded = (font: FontFace) => font.status === 'loaded' && isSame(font);
          return given('src').includes(name) && [...document.fonts].some(isLoaded);
        });
      } catch {
        return false;
      }
    });
  };

  const SIGNATURES: [bytes: string, at: number, type: string][] = [
    ['\x89PNG', 0, 'image/png'],
    ['\xff\xd8\xff', 0, 'image/jpeg'],
    ['GIF8', 0, 'image/gif'],
    ['WEBP', 8, 'image/webp'],
    ['ftypavi', 4, 'image/avif'],
  ];

  async function bytesOf(url: string): Promise<ArrayBuffer | undefined> {
    try {
      const { origin, protocol, pathname } = new URL(url);
      // The browser itself rejects an SVG file that is cut short.
      if (pathname.endsWith('.svg') || (origin !== location.origin && protocol !== 'file:')) return undefined;
      const response = await control.readFile(url);
      return response.ok ? await control.bytesOf(response) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The offset at which the blocks of a GIF end: past the end of the file if the last one is cut short. */
  function endOfGif(bytes: Uint8Array): number {
    const tableAt = (flags = 0) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
    let at = 13 + tableAt(bytes[10]);
    while (at < bytes.length && (bytes[at] === 0x21 || bytes[at] === 0x2c)) {
      at += bytes[at] === 0x21 ? 2 : 11 + tableAt(bytes[at + 9]);
      for (let size = bytes[at]; size; size = bytes[at]) at += size + 1;
      at++;
    }
    return at;
  }

  /** The same for a PNG. An animated PNG must also have its end chunk. */
  function endOfPng(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer);
    const ENDING = 12;
    let missing = 0;
    let at = 8;
    while (at + 8 <= bytes.length) {
      const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      if (name === 'acTL') missing = ENDING;
      if (name === 'IEND') return bytes.length;
      at += 12 + view.getUint32(at);
    }
    return at + missing;
  }

  /** Whether the end of an image is missing: an animated image then shows the frames that are there, and stops. */
  function isCutShort(data: ArrayBuffer, type: string): boolean {
    const bytes = new Uint8Array(data);
    if (type === 'image/gif') return endOfGif(bytes) > bytes.length;
    if (type === 'image/png') return endOfPng(bytes) > bytes.length;
    // Some encoders omit the byte that pads the length to an even number.
    return type === 'image/webp' && 7 + new DataView(data).getUint32(4, true) > bytes.length;
  }

  /** What is wrong with an image; the empty string if nothing is. */
  async function pictureFault(url: string): Promise<string> {
    const data = await bytesOf(url);
    if (data?.byteLength === 0) return 'the file is empty';
    const head = data ? String.fromCharCode(...new Uint8Array(data, 0, Math.min(16, data.byteLength))) : '';
    const type = SIGNATURES.find(([bytes, at]) => head.startsWith(bytes, at))?.[2];
    if (data && type && typeof ImageDecoder !== 'undefined') {
      const decoder = new ImageDecoder({ data, type });
      try {
        (await decoder.decode()).image.close();
        return isCutShort(data, type) ? 'it is cut short: its last frames are missing' : '';
      } catch (error) {
        return `it is damaged: ${(error as Error).message}`;
      } finally {
        decoder.close();
      }
    }
    // For files that cannot be read, or have another format, the browser only says whether they start like an image.
    const picture = document.createElement('img');
    const isPicture = await new Promise<boolean>((resolve) => {
      // Not `onload`: `imageListeners` would take that for a listener of the page.
      listen.call(picture, 'load', () => resolve(true));
      listen.call(picture, 'error', () => resolve(false));
      source.set!.call(picture, url);
    });
    return isPicture ? '' : 'it is damaged or not an image';
  }

  async function fontFault(url: string): Promise<string> {
    const data = await bytesOf(url);
    if (!data) return '';
    return loadFont.call(new FontFace('genlock', data)).then(
      () => '',
      () => 'the browser cannot read it as a font',
    );
  }

  control.inspect = async (pictures, fonts) => {
    const files = [
      ...pictures.map((url) => ({ url, type: 'image', look: pictureFault })),
      ...fonts.map((url) => ({ url, type: 'font', look: fontFault })),
    ];
    const faults: FileFault[] = [];
    const remaining = files.entries();
    const inspectNext = async () => {
      for (const [index, { url, type, look }] of remaining) {
        const reason = await look(url);
        if (reason !== '') faults[index] = { url, type, reason };
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, inspectNext));
    return faults.filter(Boolean);
  };
}
