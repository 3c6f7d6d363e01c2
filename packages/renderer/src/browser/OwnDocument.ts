import type { BrowserSession } from './BrowserSession.js';

/** Whether the page's own frame is loading a document: it may go on to another one as long as it does. */
export class OwnDocument {
  /** Whether it loads one, or is about to. */
  isLoading = false;
  /** How often it has begun to. */
  loads = 0;
  /** Whether a script has sent it to another document, which the browser has yet to begin with. */
  #begins = false;
  #onLoaded = (): void => {};
  /** The requests for its documents. */
  readonly #requests = new Set<string>();

  constructor(readonly session: BrowserSession) {}

  listen(): void {
    const { client } = this.session;
    client.on('Network.requestWillBeSent', ({ requestId, type, frameId }) => {
      if (type === 'Document' && frameId === this.session.frameId) this.#requests.add(requestId);
    });
    const isOwn = ({ frameId }: { frameId: string }) => frameId === this.session.frameId;
    client.on('Page.frameRequestedNavigation', (asked) => {
      // A refresh by markup is refused in the page, and called for by our clock.
      const isRefresh = asked.reason === 'metaTagRefresh' || asked.reason === 'httpHeaderRefresh';
      if (isOwn(asked) && asked.disposition === 'currentTab' && !isRefresh) this.#begins = this.isLoading = true;
    });
    client.on('Page.frameStartedLoading', (started) => {
      if (!isOwn(started)) return;
      this.#begins = false;
      this.isLoading = true;
      this.loads++;
    });
    client.on('Page.frameStoppedLoading', (stopped) => {
      // It may be the document before that has stopped.
      if (!isOwn(stopped) || this.#begins) return;
      this.isLoading = false;
      this.#onLoaded();
    });
  }

  /** It is sent to an address by us. */
  begin(): void {
    this.#requests.clear();
    this.isLoading = true;
  }

  /** Resolves when it has loaded. */
  loaded(): Promise<void> {
    if (!this.isLoading) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLoaded = resolve;
    });
  }

  /** Whether a request is for a document of its own. */
  asksBy(requestId: string): boolean {
    return this.#requests.has(requestId);
  }
}
