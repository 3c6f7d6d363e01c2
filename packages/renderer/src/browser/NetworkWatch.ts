import type { CDPSession, Protocol } from 'puppeteer-core';
import { isAhead } from './pausedRequests.js';

/** Requests that the picture may depend on, and that the page cannot see itself being made. */
const AWAITED: ReadonlySet<Protocol.Network.ResourceType> = new Set([
  'Document',
  'Stylesheet',
  'Image',
  'Font',
  'Script',
  'Manifest',
  'TextTrack',
  // Among them SVG files of which a part is shown: <use>, clip-path, filter, mask, fill.
  'Other',
]);

/** Files whose absence makes a wrong picture. What the page fetches itself is the page's to judge. */
const NEEDED: ReadonlySet<Protocol.Network.ResourceType> = new Set([
  'Document',
  'Stylesheet',
  'Image',
  'Media',
  'Font',
  'Script',
]);

export interface NetworkFailure {
  url: string;
  /** HTTP status, or the browser's network error. */
  reason: number | string;
  type: Protocol.Network.ResourceType;
  requestId: string;
}

/** Knows which files are still loading, and reports those that do not come. */
export class NetworkWatch {
  readonly #loading = new Map<string, string>();
  readonly #requests = new Map<string, { url: string; type: Protocol.Network.ResourceType }>();
  readonly #read = new Set<string>();
  #repeatable = true;
  /** Frames within the page that have come to be. */
  readonly #frames = new Set<string>();
  /** How many files have been asked for, and frames sent somewhere. */
  begun = 0;
  #waiters: (() => void)[] = [];

  constructor(readonly onFailure: (failure: NetworkFailure) => void) {}

  /** Follows the requests of a part of the page: a frame or worker may end what another one has begun. */
  watch(client: CDPSession): void {
    client.on('Network.requestWillBeSent', ({ requestId, request, type }) => {
      if (/^(https?|file):/.test(request.url)) this.#read.add(request.url.replace(/#.*$/s, ''));
      if (request.method !== 'GET') this.#repeatable = false;
      if (!type) return;
      this.begun++;
      this.#requests.set(requestId, { url: request.url, type });
      if (AWAITED.has(type) && !isAhead(request.headers)) this.#loading.set(requestId, request.url);
    });
    client.on('Network.responseReceived', ({ requestId, response, type }) => {
      if (response.status < 400 || !NEEDED.has(type)) return;
      this.onFailure({ url: response.url, reason: response.status, type, requestId });
    });
    // What a frame is to show needs no file where its markup is at hand, but time all the same.
    client.on('Page.frameAttached', ({ frameId }) => this.#frames.add(frameId));
    client.on('Page.frameRequestedNavigation', ({ frameId, url, reason }) => {
      // A refresh by markup is refused in the page, and then called for by its own clock.
      if (!this.#frames.has(frameId) || reason === 'metaTagRefresh' || reason === 'httpHeaderRefresh') return;
      this.begun++;
      this.#loading.set(frameId, url);
    });
    for (const event of ['Page.frameStoppedLoading', 'Page.frameDetached'] as const)
      client.on(event, ({ frameId }) => this.#settle(frameId));
    // What comes through these depends on who else is there.
    for (const event of ['Network.webSocketCreated', 'Network.webTransportCreated'] as const) {
      client.on(event, () => {
        this.#repeatable = false;
      });
    }
    client.on('Network.loadingFinished', ({ requestId }) => this.#end(requestId));
    client.on('Network.loadingFailed', ({ requestId, type, errorText, canceled, blockedReason }) => {
      const url = this.#requests.get(requestId)?.url;
      this.#end(requestId);
      // A page may cancel its own loads: that is no failure.
      if (!url || canceled || errorText === 'net::ERR_ABORTED' || !NEEDED.has(type)) return;
      this.onFailure({ url, reason: blockedReason ?? errorText, type, requestId });
    });
  }

  /** Addresses of the files that are still loading. */
  get loading(): string[] {
    return [...this.#loading.values()];
  }

  /** No longer waits for the script of a worker: the clock of the page does. */
  workerStarts(url: string): void {
    for (const [requestId, loading] of this.#loading) if (loading === url) this.#settle(requestId);
  }

  /** Every address that was read, and whether to read them again says what they said. */
  get files(): { urls: string[]; repeatable: boolean } {
    return { urls: [...this.#read], repeatable: this.#repeatable };
  }

  /** Resolves when nothing is loading any more. */
  idle(): Promise<void> {
    if (this.#loading.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #end(requestId: string): void {
    this.#requests.delete(requestId);
    this.#settle(requestId);
  }

  #settle(requestId: string): void {
    this.#loading.delete(requestId);
    if (this.#loading.size > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
