import type { BrowserSession } from './BrowserSession.js';

/** Knows whether the page's main frame is loading a document. While it is, the page may navigate to another one. */
export class OwnDocument {
  /** Whether the frame is loading a document, or is about to. */
  isLoading = false;
  /** How often it has begun to load a document. */
  loads = 0;
  /** Whether a script has requested a navigation that the browser has not yet begun. */
  #isNavigating = false;
  #onLoaded = (): void => {};
  /** The ids of the requests for its documents. */
  readonly #requests = new Set<string>();

  constructor(readonly session: BrowserSession) {}

  listen(): void {
    const { client } = this.session;
    client.on('Network.requestWillBeSent', ({ requestId, type, frameId }) => {
      if (type === 'Document' && frameId === this.session.frameId) this.#requests.add(requestId);
    });
    const isOwn = ({ frameId }: { frameId: string }) => frameId === this.session.frameId;
    client.on('Page.frameRequestedNavigation', (requested) => {
      // A refresh by markup is refused in the page, and carried out when our clock reaches its time.
      const isRefresh = requested.reason === 'metaTagRefresh' || requested.reason === 'httpHeaderRefresh';
      if (!isOwn(requested) || requested.disposition !== 'currentTab' || isRefresh) return;
      this.#isNavigating = true;
      this.isLoading = true;
    });
    client.on('Page.frameStartedLoading', (started) => {
      if (!isOwn(started)) return;
      this.#isNavigating = false;
      this.isLoading = true;
      this.loads++;
    });
    client.on('Page.frameStoppedLoading', (stopped) => {
      // During a navigation, it is the previous document that has stopped loading.
      if (!isOwn(stopped) || this.#isNavigating) return;
      this.isLoading = false;
      this.#onLoaded();
    });
  }

  /** Must be called before we navigate the page. */
  begin(): void {
    this.#requests.clear();
    this.isLoading = true;
  }

  /** Resolves once the document has loaded. */
  loaded(): Promise<void> {
    if (!this.isLoading) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLoaded = resolve;
    });
  }

  /** Whether a request is for a document of the page's main frame. */
  hasRequest(requestId: string): boolean {
    return this.#requests.has(requestId);
  }
}
