import type { Control } from './control.js';
import type { FileFault } from './outcome.js';

/**
 * Finds references of `<use>` to missing parts of other SVG files: the browser shows nothing for them, and no error.
 */
export function installSvgParts(control: Control): void {
  const shown = new Map<string, string>();
  /** The files that have been read, by URL. */
  const files = new Map<string, Promise<Document | undefined>>();

  // A live list, which the browser maintains: searching a large document takes 0.1 ms in every step.
  const inDocument = document.getElementsByTagNameNS('http://www.w3.org/2000/svg', 'use');

  control.shownParts = () => {
    for (const root of control.roots()) {
      const uses = root === document ? inDocument : root.querySelectorAll('use');
      for (const use of uses as Iterable<SVGUseElement>) {
        const reference = use.href.baseVal;
        if (!/[^#]#./.test(reference) || shown.has(reference)) continue;
        if (use.closest('defs, symbol') || !use.checkVisibility()) continue;
        shown.set(reference, new URL(reference, document.baseURI).href);
      }
    }
    return [...shown.values()];
  };

  async function read(url: string): Promise<Document | undefined> {
    try {
      const { origin, protocol } = new URL(url);
      if (origin !== location.origin && protocol !== 'file:') return undefined;
      const response = await control.readFile(url);
      if (!response.ok) return undefined;
      const text = new TextDecoder().decode(await control.bytesOf(response));
      return new DOMParser().parseFromString(text, 'image/svg+xml');
    } catch {
      return undefined;
    }
  }

  async function faultOf(url: string): Promise<FileFault | undefined> {
    const [file = '', fragment = ''] = url.split(/#(.*)/s);
    const reading = files.get(file) ?? read(file);
    files.set(file, reading);
    const found = await reading;
    const names = [fragment];
    try {
      names.push(decodeURIComponent(fragment));
    } catch {
      // Not percent-encoded: the fragment is the name itself.
    }
    if (!found || names.some((name) => found.getElementById(name))) return undefined;
    return { url, type: 'file', reason: 'the file has no part of that name' };
  }

  control.missingParts = async (urls) => (await Promise.all(urls.map(faultOf))).filter((fault) => fault !== undefined);
}
