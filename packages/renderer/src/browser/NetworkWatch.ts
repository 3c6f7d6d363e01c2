import type { CDPSession, Protocol } from './Connection.js';
import { splitLogin, type Login } from '../redact.js';
import { isAhead } from './pausedRequests.js';
import { contentType, whyBlocked, whySheetRefused } from './refusals.js';
import { RefusedFiles } from './RefusedFiles.js';
import { failureOf, withoutFragment, type FileRequest, type NetworkFailure } from './requests.js';

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
  'TextTrack',
]);
const isNeeded = (type: Protocol.Network.ResourceType, request: FileRequest | undefined) =>
  NEEDED.has(type) || (type === 'Other' && request?.frameId !== undefined && !request.isAhead);

/** What the page reads piece by piece as it comes: how much of one that has not come to its end, nobody knows. */
const STREAMED: ReadonlySet<Protocol.Network.ResourceType> = new Set(['Fetch', 'XHR']);
/** Requests that are not there to end. */
const ENDLESS: ReadonlySet<Protocol.Network.ResourceType> = new Set(['EventSource', 'WebSocket', 'Ping']);

/** Knows which files are still loading, and reports those that do not come. */
export class NetworkWatch {
  readonly #loading = new Map<string, string>();
  readonly #requests = new Map<string, FileRequest>();
  readonly #read = new Set<string>();
  /** Modules that `import()` has led to, with what it was called with. */
  readonly #importRoots = new Map<string, string>();
  /** Addresses of pictures and fonts that have come. */
  readonly pictures = new Set<string>();
  readonly fonts = new Set<string>();
  /** Is told the address of each video or sound that begins to come. */
  onMedia: (url: string) => void = () => {};
  /** Is told of each request that nobody waits for any more: its end may never be told. */
  onGivenUp: (requestId: string) => void = () => {};
  /** Addresses of workers that have ended before their requests were told. */
  readonly #unbegun: string[] = [];
  #repeatable = true;
  /** The name and password in the address of the page. */
  login: Login | undefined;
  /** Frames within the page that have come to be. */
  readonly #frames = new Set<string>();
  /** How many files have been asked for, and frames sent somewhere. */
  begun = 0;
  #waiters: (() => void)[] = [];

  /** Those that may come and be refused then. */
  readonly refused: RefusedFiles;

  constructor(readonly onFailure: (failure: NetworkFailure) => void) {
    this.refused = new RefusedFiles(onFailure);
  }

  /** Follows the requests of a part of the page: a frame or worker may end what another one has begun. */
  watch(client: CDPSession): void {
    client.on('Network.requestWillBeSent', ({ requestId, request, type, frameId, loaderId, initiator }) => {
      // What it says depends on the moment, and never ends: it is no file.
      if (type === 'EventSource') this.#repeatable = false;
      else if (/^(https?|file):/.test(request.url)) this.#add(withoutFragment(request.url));
      if (request.method !== 'GET') this.#repeatable = false;
      if (!type) return;
      this.begun++;
      const isWorker = type === 'Script' && frameId !== undefined && !loaderId;
      const before = this.#requests.get(requestId);
      const asked = before?.asked ?? request.url;
      const made: FileRequest = {
        ...{ requestId, url: request.url, asked, type, frameId, loaderId },
        isPreload: request.isLinkPreload === true,
        isAhead: isAhead(request.headers),
        importRoot: type === 'Script' && !isWorker ? this.#importRoot(request, initiator) : undefined,
        worker: before?.worker ?? (isWorker ? request.url : undefined),
      };
      this.#requests.set(requestId, made);
      if (isNeeded(type, made)) this.refused.add(made);
      if (AWAITED.has(type) && !made.isAhead) this.#loading.set(requestId, request.url);
      const ended = this.#unbegun.findIndex((url) => url === made.worker);
      if (ended >= 0) {
        this.#unbegun.splice(ended, 1);
        this.#giveUp(requestId);
      }
    });
    client.on('Network.responseReceived', ({ requestId, response, type }) => {
      if (response.status < 400) this.#note(response.url, type);
      const request = this.#requests.get(requestId);
      if (response.status >= 400 && isNeeded(type, request))
        this.#fail(requestId, response.url, response.status, type, request);
      if (response.status >= 400 || !request) return;
      request.came = contentType(response.headers);
      const reason = type === 'Stylesheet' ? whySheetRefused(response) : undefined;
      if (reason !== undefined) this.#fail(requestId, response.url, reason, type, request, true);
    });
    client.on('Log.entryAdded', ({ entry }) => this.refused.read(entry));
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
    // What a document has asked for ends with it, and nothing more may be told of that.
    client.on('Page.frameNavigated', ({ frame }) => {
      this.#endAll((request) => request.frameId === frame.id && request.loaderId !== frame.loaderId);
    });
    client.on('Page.frameDetached', (detached) => {
      if (detached.reason !== 'swap') this.#endAll(({ frameId }) => frameId === detached.frameId);
    });
    client.on('Network.loadingFinished', ({ requestId }) => this.#end(requestId));
    client.on('Network.loadingFailed', (failed) => {
      const { requestId, type, errorText, canceled } = failed;
      const request = this.#requests.get(requestId);
      delete request?.came;
      if (canceled && STREAMED.has(type)) this.#repeatable = false;
      this.#end(requestId);
      // A page may cancel its own loads: that is no failure.
      if (!request?.url || canceled || errorText === 'net::ERR_ABORTED' || !isNeeded(type, request)) return;
      this.#fail(requestId, request.url, whyBlocked(failed), type, request);
    });
  }

  /** Addresses of the files that are still loading. */
  get loading(): string[] {
    return [...this.#loading.values()];
  }

  /** Addresses of all that is under way and has an end, also of what the page itself waits for. */
  get underWay(): string[] {
    return [...this.#requests.values()].filter(({ type }) => !ENDLESS.has(type)).map(({ url }) => url);
  }

  /** No longer waits for the script of a worker: the clock of the page does. */
  workerStarts(url: string): void {
    for (const [requestId, loading] of this.#loading) if (loading === url) this.#settle(requestId);
  }

  /** No longer waits for the script of a worker that was ended before it had begun: the first one of that address. */
  workerEnds(address: string): void {
    const url = withoutFragment(address);
    const found = [...this.#requests].find(([, { worker }]) => worker === url);
    if (found) this.#giveUp(found[0]);
    else this.#unbegun.push(url);
  }

  /** Every address that was read, without its password, and whether to read them again says what they said. */
  get files(): { urls: string[]; repeatable: boolean } {
    const ended = [...this.#requests.values()].every(({ type }) => !STREAMED.has(type));
    return { urls: [...this.#read], repeatable: this.#repeatable && ended };
  }

  #add(address: string): void {
    const { url, login } = splitLogin(address);
    this.#read.add(url);
    // Whoever asks again knows the login of the page's address, and no other.
    if (login && JSON.stringify(login) !== JSON.stringify(this.login)) this.#repeatable = false;
  }

  /** Resolves when nothing is loading any more. */
  idle(): Promise<void> {
    if (this.#loading.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #fail(
    requestId: string,
    url: string,
    reason: number | string,
    type: Protocol.Network.ResourceType,
    request: FileRequest | undefined,
    isOfWrongType = false,
  ): void {
    this.onFailure({ ...failureOf(request), url, reason, type, requestId, isOfWrongType });
  }

  /** Also that of a worklet's module, and of one in a `<script>` that a script has made: only the page knows. */
  #importRoot({ url, headers }: Protocol.Network.Request, by: Protocol.Network.Initiator): string | undefined {
    // Modules are asked for with CORS. What a module names itself comes with the address of that.
    const isRoot = by.type !== 'parser' && by.url === undefined && headers['Origin'] !== undefined;
    const root = isRoot ? url : this.#importRoots.get(by.url ?? '');
    if (root !== undefined) this.#importRoots.set(url, root);
    return root;
  }

  /** Takes note of a file that the picture may show, and that is to be looked into. */
  #note(url: string, type: Protocol.Network.ResourceType): void {
    if (!/^(https?|file|blob):/.test(url)) return;
    if (type === 'Image') this.pictures.add(url);
    if (type === 'Font') this.fonts.add(url);
    if (type === 'Media') this.onMedia(url);
  }

  #endAll(isOver: (request: FileRequest) => boolean): void {
    for (const [requestId, request] of this.#requests) if (isOver(request)) this.#giveUp(requestId);
  }

  #giveUp(requestId: string): void {
    this.#end(requestId);
    this.onGivenUp(requestId);
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
