import type { Control } from './control.js';

/**
 * `<meta http-equiv="refresh">` and the `Refresh` header follow the virtual clock. The browser would navigate by a
 * timer of its own, which no script can stop, so its navigation is cancelled here. Instead, the document of an iframe
 * navigates itself once the renderer has reported its refresh; the renderer navigates the page.
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

  /** The URLs that the document may refresh to. */
  function* addresses(): Generator<string> {
    yield* known;
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[http-equiv="refresh" i]')) {
      const address = /^[\s\d.]*[;,\s]*(?:url\s*=\s*)?(["']?)(.*?)\1\s*$/i.exec(meta.content)?.[2] ?? '';
      const base = address === '' ? document.URL : document.baseURI;
      if (URL.canParse(address, base)) yield new URL(address, base).href;
    }
  }

  /** Whether a script has caused the navigation: then the script is on the call stack. */
  function isCalledByScript(): boolean {
    const errors = Error as { stackTraceLimit?: number };
    const limit = errors.stackTraceLimit;
    errors.stackTraceLimit = 10;
    const { stack = '' } = new Error();
    errors.stackTraceLimit = limit!;
    // This function and the event listener are always on the stack.
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
  // The page must not see the navigation that was cancelled here as failed.
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
