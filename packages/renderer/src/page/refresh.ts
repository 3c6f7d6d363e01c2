import type { Control } from './control.js';

/**
 * `<meta http-equiv="refresh">` and the header of that name follow the virtual clock. The browser would go on by a
 * timer of its own, which no script can stop; so its going is refused here. The document of a frame goes on by
 * itself, when it is told of its refresh; that of the page is taken on by the renderer.
 */
export function installRefresh(control: Control): void {
  interface NavigateEvent extends Event {
    readonly destination: { readonly url: string };
    readonly userInitiated: boolean;
    readonly hashChange: boolean;
    readonly formData: FormData | null;
    readonly sourceElement?: Element | null;
  }
  const { navigation } = globalThis as { navigation?: EventTarget };
  const known = new Set<string>();
  let isRefused = false;

  /** Where the document's markup says that it goes. */
  function* addresses(): Generator<string> {
    yield* known;
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[http-equiv="refresh" i]')) {
      const address = /^[\s\d.]*[;,\s]*(?:url\s*=\s*)?(["']?)(.*?)\1\s*$/i.exec(meta.content)?.[2] ?? '';
      const base = address === '' ? document.URL : document.baseURI;
      if (URL.canParse(address, base)) yield new URL(address, base).href;
    }
  }

  /** Whether a script has called for it: then it stands on the stack below us. */
  function isCalledByScript(): boolean {
    const errors = Error as { stackTraceLimit?: number };
    const limit = errors.stackTraceLimit;
    errors.stackTraceLimit = 10;
    const { stack = '' } = new Error();
    errors.stackTraceLimit = limit!;
    // This function and the listener are there in any case.
    return stack.split('\n    at ').length > 3;
  }

  navigation?.addEventListener('navigate', (given) => {
    const event = given as NavigateEvent;
    if (!event.isTrusted || event.userInitiated || event.hashChange || event.formData || event.sourceElement) return;
    if (isCalledByScript() || ![...addresses()].includes(event.destination.url)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    isRefused = true;
  });
  // What was refused did not fail.
  navigation?.addEventListener('navigateerror', (event) => {
    if (isRefused) event.stopImmediatePropagation();
    isRefused = false;
  });

  control.refresh = (url, delay) => {
    known.add(url);
    if (globalThis.parent === globalThis.window) return;
    control.addTimer(() => {
      if (url === document.URL) location.reload();
      else location.replace(url);
    }, delay);
  };
}
