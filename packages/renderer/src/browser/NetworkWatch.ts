import type { CDPSession, Protocol } from './Connection.js';
import { splitLogin, type Login } from '../redact.js';
import { isPrefetch } from './pausedRequests.js';
import { contentType, whyBlocked, whySheetRefused } from './refusals.js';
import { RefusedFiles } from './RefusedFiles.js';
import { failureOf, withoutFragment, type FileRequest, type NetworkFailure } from './requests.js';

/** Types of requests that the picture may depend on, and that the page itself cannot observe. */
const AWAITED: ReadonlySet<Protocol.Network.ResourceType> = new Set([
  'Document',
  'Stylesheet',
  'Image',
  'Font',
  'Script',
  'Manifest',
  'TextTrack',
  // Includes SVG files of which a part is shown: <use>, clip-path, filter, mask, fill.
  'Other',
]);

/** Types of files without which the picture is wrong. The page itself handles the failure of what it fetches. */
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
  NEEDED.has(type) || (type === 'Other' && request?.frameId !== undefined && !request.isPrefetch);

/** Types that the page reads piece by piece. How much it has read of one that has not ended is unknown. */
const STREAMED: ReadonlySet<Protocol.Network.ResourceType> = new Set(['Fetch', 'XHR']);
/** Types of requests that are not expected to end. */
const ENDLESS: ReadonlySet<Protocol.Network.ResourceType> = new Set(['EventSource', 'WebSocket', 'Ping']);

/** Knows which files are still loading, and reports those that fail to load. */
export class NetworkWatch {
  readonly #loading = new Map<string, string>();
  readonly #requests = new Map<string, FileRequest>();
  readonly #read = new Set<string>();
  /** Modules that `import()` led to, each with the address that was imported. */
  readonly #importRoots = new Map<string, string>();
  /** Addresses of pictures and of fonts that have loaded. */
  readonly pictures = new Set<string>();
  readonly fonts = new Set<string>();
  /** Called with the address of each video or sound that begins to load. */
  onMedia: (url: string) => void = () => {};
  /** Called for each request that nothing waits for any more: the browser may never report its end. */
  onGivenUp: (requestId: string) => void = () => {};
  /** Addresses of workers that ended before the browser reported the request for their script. */
  readonly #endedWorkers: string[] = [];
  #repeatable = true;
  /** The login in the address of the page. */
  login: Login | undefined;
  /** The frames within the page. */
  readonly #innerFrames = new Set<string>();
  /** How many requests and navigations of inner frames have begun. */
  begun = 0;
  #waiters: (() => void)[] = [];

  /** Files that the browser refuses after they have loaded. */
  readonly refused: RefusedFiles;

  constructor(readonly onFailure: (failure: NetworkFailure) => void) {
    this.refused = new RefusedFiles(onFailure);
  }

  /** Follows the requests of one session of the page. One session may report the end of a request of another. */
  watch(client: CDPSession): void {
    client.on('Network.requestWillBeSent', ({ requestId, request, type, frameId, loaderId, initiator }) => {
      // An EventSource is not a file: its content never ends and depends on when it is read.
      if (type === 'EventSource') this.#repeatable = false;
      else if (/^(https?|file):/.test(request.url)) this.#add(withoutFragment(request.url));
      if (request.method !== 'GET') this.#repeatable = false;
      if (!type) return;
      this.begun++;
      const isWorker = type === 'Script' && frameId !== undefined && !loaderId;
      // The same request before its redirect.
      const previous = this.#requests.get(requestId);
      const made: FileRequest = {
        requestId,
        url: request.url,
        originalUrl: previous?.originalUrl ?? request.url,
        type,
        frameId,
        loaderId,
        isPreload: request.isLinkPreload === true,
        isPrefetch: isPrefetch(request.headers),
        importRoot: type === 'Script' && !isWorker ? this.#importRoot(request, initiator) : undefined,
        workerUrl: previous?.workerUrl ?? (isWorker ? request.url : undefined),
      };
      this.#requests.set(requestId, made);
      if (isNeeded(type, made)) this.refused.add(made);
      if (AWAITED.has(type) && !made.isPrefetch) this.#loading.set(requestId, request.url);
      const ended = this.#endedWorkers.findIndex((url) => url === made.workerUrl);
      if (ended >= 0) {
        this.#endedWorkers.splice(ended, 1);
        this.#giveUp(requestId);
      }
    });
    client.on('Network.responseReceived', ({ requestId, response, type }) => {
      if (response.status < 400) this.#recordLoaded(response.url, type);
      const request = this.#requests.get(requestId);
      if (response.status >= 400 && isNeeded(type, request))
        this.#fail(requestId, response.url, response.status, type, request);
      if (response.status >= 400 || !request) return;
      request.contentType = contentType(response.headers);
      const reason = type === 'Stylesheet' ? whySheetRefused(response) : undefined;
      if (reason !== undefined) this.#fail(requestId, response.url, reason, type, request, true);
    });
    client.on('Log.entryAdded', ({ entry }) => this.refused.read(entry));
    // A frame takes time to load even if its markup is inline (`srcdoc`), so that no file is requested.
    client.on('Page.frameAttached', ({ frameId }) => this.#innerFrames.add(frameId));
    client.on('Page.frameRequestedNavigation', ({ frameId, url, reason }) => {
      // A refresh by markup is refused in the page, and carried out when the page's clock reaches its time.
      if (!this.#innerFrames.has(frameId) || reason === 'metaTagRefresh' || reason === 'httpHeaderRefresh') return;
      this.begun++;
      this.#loading.set(frameId, url);
    });
    for (const event of ['Page.frameStoppedLoading', 'Page.frameDetached'] as const)
      client.on(event, ({ frameId }) => this.#settle(frameId));
    // What arrives over these connections is not repeatable.
    for (const event of ['Network.webSocketCreated', 'Network.webTransportCreated'] as const) {
      client.on(event, () => {
        this.#repeatable = false;
      });
    }
    // The requests of a document end with it, and the browser may not report their end.
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
      delete request?.contentType;
      if (canceled && STREAMED.has(type)) this.#repeatable = false;
      this.#end(requestId);
      // A page may cancel its own loads, which is not a failure.
      if (!request?.url || canceled || errorText === 'net::ERR_ABORTED' || !isNeeded(type, request)) return;
      this.#fail(requestId, request.url, whyBlocked(failed), type, request);
    });
  }

  /** Addresses of the files that are still loading. */
  get loading(): string[] {
    return [...this.#loading.values()];
  }

  /** Addresses of all requests under way that are expected to end, including those that the page itself waits for. */
  get underWay(): string[] {
    return [...this.#requests.values()].filter(({ type }) => !ENDLESS.has(type)).map(({ url }) => url);
  }

  /** Stops waiting for the script of a worker that starts: the clock of the page waits for it. */
  workerStarts(url: string): void {
    for (const [requestId, loading] of this.#loading) if (loading === url) this.#settle(requestId);
  }

  /** Stops waiting for the script of a worker that was ended before it began: the first worker with that address. */
  workerEnds(address: string): void {
    const url = withoutFragment(address);
    const found = [...this.#requests].find(([, { workerUrl }]) => workerUrl === url);
    if (found) this.#giveUp(found[0]);
    else this.#endedWorkers.push(url);
  }

  /** Every address that was read, without its password, and whether reading them again would give the same answers. */
  get files(): { urls: string[]; repeatable: boolean } {
    const ended = [...this.#requests.values()].every(({ type }) => !STREAMED.has(type));
    return { urls: [...this.#read], repeatable: this.#repeatable && ended };
  }

  #add(address: string): void {
    const { url, login } = splitLogin(address);
    this.#read.add(url);
    // When the files are read again, only the login of the page's address is known.
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

  /**
   * The address whose import led to a script. This includes the module of a worklet, and one in a `<script>` that a
   * script has created: only the page can tell those apart from an `import()`.
   */
  #importRoot({ url, headers }: Protocol.Network.Request, by: Protocol.Network.Initiator): string | undefined {
    // Modules are requested with CORS. The imports within a module come with the address of that module.
    const isRoot = by.type !== 'parser' && by.url === undefined && headers['Origin'] !== undefined;
    const root = isRoot ? url : this.#importRoots.get(by.url ?? '');
    if (root !== undefined) this.#importRoots.set(url, root);
    return root;
  }

  /** Records a loaded file that the picture may show, so that it can be checked. */
  #recordLoaded(url: string, type: Protocol.Network.ResourceType): void {
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
