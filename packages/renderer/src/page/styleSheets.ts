import type { Control } from './control.js';

/** Finds out which style sheets a frame depends on: print sheets and unselected alternatives do not matter. */
export function installStyleSheets(control: Control): void {
  const enabled = new WeakSet<HTMLLinkElement>();
  const disabled = Object.getOwnPropertyDescriptor(HTMLLinkElement.prototype, 'disabled')!;
  Object.defineProperty(HTMLLinkElement.prototype, 'disabled', {
    ...disabled,
    set(this: HTMLLinkElement, value: boolean) {
      // An alternative sheet applies only once it has been enabled, which cannot be read from it later.
      if (this.disabled && !value) enabled.add(this);
      disabled.set!.call(this, value);
    },
  });

  const matches = (media: string) => matchMedia(media).matches;

  function applies(link: HTMLLinkElement): boolean {
    const isAlternative = link.relList.contains('alternate') && !enabled.has(link);
    // Its load handler may make it apply.
    return link.onload !== null || (!link.disabled && !isAlternative && matches(link.media));
  }

  const plain = (url: string) => url.replace(/#.*$/s, '');

  /** For each reference to the URL by a sheet or its imports: whether it applies. */
  function* uses(sheet: CSSStyleSheet, isApplied: boolean, url: string): Generator<boolean> {
    const owner = sheet.ownerNode;
    const isOn = isApplied && !sheet.disabled && matches(sheet.media.mediaText);
    const isLink = owner instanceof HTMLLinkElement;
    if (!isLink && sheet.href && plain(sheet.href) === url) yield isOn;
    const isInUse = isOn && (!isLink || applies(owner));
    try {
      for (const rule of sheet.cssRules) {
        if (!(rule instanceof CSSImportRule)) continue;
        if (plain(new URL(rule.href, sheet.href ?? document.baseURI).href) === url)
          yield isInUse && matches(rule.media.mediaText);
        else if (rule.styleSheet) yield* uses(rule.styleSheet, isInUse, url);
      }
    } catch {
      // A cross-origin sheet cannot be read.
    }
  }

  /** Whether the document accepts the sheet with any MIME type: in quirks mode it does, if it may read the sheet. */
  function takesAnyType(url: string): boolean {
    if (document.compatMode !== 'BackCompat') return false;
    const links = [...control.roots()].flatMap((root) => [...root.querySelectorAll<HTMLLinkElement>('link')]);
    const isShared = links.some((link) => link.crossOrigin !== null && plain(link.href) === url);
    return isShared || new URL(url).origin === location.origin;
  }

  control.sheetUse = (url, isOfWrongType) => {
    if (isOfWrongType && takesAnyType(url)) return 'accepted';
    const found: boolean[] = [];
    for (const root of control.roots()) {
      for (const link of root.querySelectorAll<HTMLLinkElement>('link[rel~=stylesheet]'))
        if (plain(link.href) === url) found.push(applies(link));
      for (const sheet of control.sheetsIn(root)) found.push(...uses(sheet, true, url));
    }
    if (found.length === 0) return 'unknown';
    return found.includes(true) ? 'applied' : 'idle';
  };
}
