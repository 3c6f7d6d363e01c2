import type { CDPSession } from './Connection.js';
import type { BrowserSession } from './BrowserSession.js';
import type { PartKind } from './PageTargets.js';
import type { Rest } from '../page/index.js';
import {
  type OrderedRequest as Request,
  isLocal,
  isRedirect,
  isToBeHeld,
  isToBeOrdered,
  lengthOf,
  type Paused,
} from './pausedRequests.js';

/**
 * How long a request may delay later ones, in milliseconds: without an answer; without another byte of its answer, or
 * without the end of an answer of unknown length; or because the page does not come to rest.
 */
const PATIENCE_MS = 5000;

/** What the page reports about itself when it is at rest. */
export type PageState = Pick<Rest, 'hears' | 'needsFrame' | 'verified'>;

/**
 * Delivers the network's answers to the page one by one, in the order of their requests. Each one is delivered when the
 * page has finished with the previous ones. Meanwhile the network goes on loading all of them.
 */
export class ResponseOrder {
  /** The ordered requests that have not ended, in order. */
  #requests: Request[] = [];
  /** Requests that were made since the last sort. */
  #new: Request[] = [];
  readonly #byJob = new Map<string, Request>();
  /** Frames, numbered in the order in which they were created. */
  readonly #frames = new Map<string, number>();
  /** Workers, numbered likewise, and by network id the worker that made a request. */
  readonly #workers = new Map<CDPSession, number>();
  readonly #byWorker = new Map<string, number>();
  readonly #sharedWorkers = new Set<CDPSession>();
  /** Requests for what is already in the browser (`blob:`, `data:`): they end soon, and without our doing. */
  readonly #local = new Set<string>();
  /** The network ids of requests whose answers nothing waits for any more. */
  readonly #givenUp = new Set<string>();
  /** How many ordered requests have been made so far. */
  made = 0;
  #running = false;
  #changed = () => {};
  #idle: (() => void)[] = [];

  /** `atRest` resolves when the page has nothing more to do. */
  constructor(
    readonly session: BrowserSession,
    readonly atRest: () => Promise<PageState>,
  ) {}

  /** Whether answers are being delivered: the page comes to rest before each one. */
  get isAtWork(): boolean {
    return this.#running;
  }

  /** Resolves once no answer is outstanding, except those that take too long. */
  drained(): Promise<void> {
    if (!this.#first) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Whether workers are, or may be, waiting for the network. */
  get workersLoad(): boolean {
    const isOfWorker = ({ client, type, networkId }: Request) =>
      type === 'Other' || this.#sharedWorkers.has(client) || this.#byWorker.has(networkId ?? '');
    return this.#requests.some(isOfWorker) || this.#new.some(isOfWorker);
  }

  /** Follows a part of the page. Resolves once its requests are intercepted. A worker's parent intercepts for it. */
  async watch(client: CDPSession, kind: PartKind): Promise<void> {
    if (kind === 'worker') {
      const rank = this.#workers.size;
      this.#workers.set(client, rank);
      client.on('Network.requestWillBeSent', ({ requestId }) => this.#byWorker.set(requestId, rank));
      // The browser reports the end of a worker's script only after the script has run.
      client.on('Network.responseReceived', ({ requestId }) => {
        this.#end(({ networkId, type }) => networkId === requestId && type === 'Other');
      });
    }
    if (kind === 'shared_worker') this.#sharedWorkers.add(client);
    client.on('Fetch.requestPaused', (paused) => this.#onPaused(client, paused));
    client.on('Page.frameAttached', ({ frameId }) => this.#frames.set(frameId, this.#frames.size));
    client.on('Page.frameDetached', ({ frameId, reason }) => {
      if (reason === 'remove') this.#end((request) => request.frameId === frameId);
    });
    client.on('Network.responseReceived', ({ requestId, response, type }) => {
      const known = this.#find(requestId);
      // The page's clock knows whether the body is read, and does not come to rest before it is. It may never be.
      if (known && type === 'Fetch' && known.released && !known.isVerified) this.#end((each) => each === known);
      if (known) return;
      // The preload scanner makes requests before the browser reports them, so that they have no network id yet.
      const unnamed = this.#requests.find((each) => each.released && !each.networkId && each.url === response.url);
      if (unnamed) unnamed.networkId = requestId;
    });
    client.on('Network.requestWillBeSent', ({ requestId, request: { url }, type }) => {
      if (isLocal(url, type)) this.#local.add(requestId);
    });
    client.on('Network.dataReceived', ({ requestId }) => {
      const request = this.#find(requestId);
      if (request?.hasLength) request.since = performance.now();
    });
    for (const event of ['Network.loadingFinished', 'Network.loadingFailed'] as const) {
      client.on(event, ({ requestId }) => {
        if (this.#local.delete(requestId)) this.#changed();
        this.#end((request) => request.networkId === requestId);
      });
    }
    if (kind !== 'worker')
      await this.session.sendTo(client)('Fetch.enable', { patterns: [{ requestStage: 'Request' }] });
  }

  /** Stops waiting for a request whose answer nothing needs any more. */
  giveUp(networkId: string): void {
    if (this.#local.delete(networkId)) this.#changed();
    else if (this.#find(networkId)) this.#end((request) => request.networkId === networkId);
    else this.#givenUp.add(networkId);
  }

  #onPaused(client: CDPSession, paused: Paused): void {
    const { requestId, request, frameId, networkId, resourceType } = paused;
    const job = `${client.id} ${requestId.split('.')[0]}`;
    const isAnswer = paused.responseStatusCode !== undefined || paused.responseErrorReason !== undefined;
    const known = this.#byJob.get(job);
    if (isAnswer) {
      if (known && isToBeHeld(paused)) {
        known.answer = requestId;
        known.late = false;
        known.hasLength = lengthOf(paused) !== undefined;
        if (known.isRoot) this.#release(known);
        this.#run();
      } else {
        if (!isRedirect(paused)) this.#end((each) => each === known);
        this.#continue(client, requestId);
      }
      return;
    }
    const isOrdered = isToBeOrdered(paused) && !this.#givenUp.delete(networkId ?? '');
    if (isOrdered && !known) {
      const { url } = request;
      const unknown = { answer: undefined, hasLength: false, isVerified: false };
      const state = { since: performance.now(), released: false, late: false, ...unknown };
      const isRoot = resourceType === 'Document' && (client !== this.session.client || !this.#frames.has(frameId));
      const made: Request = { client, frameId, type: resourceType, isRoot, url, networkId, ...state };
      // The browser may restart a request.
      if (networkId !== undefined) this.#end((each) => each.networkId === networkId);
      this.#byJob.set(job, made);
      this.#new.push(made);
      this.made++;
      // A new document replaces the previous one in its frame, and ends that one's requests.
      if (resourceType === 'Document') this.#end((each) => each !== made && each.frameId === frameId);
      this.#run();
    }
    this.#continue(client, requestId, isOrdered);
  }

  #continue(client: CDPSession, requestId: string, interceptResponse?: boolean): void {
    const more = interceptResponse ? { interceptResponse } : {};
    // The request may have been cancelled in the meantime.
    this.session
      .sendTo(client)('Fetch.continueRequest', { requestId, ...more })
      .catch(() => {});
  }

  #find(networkId: string): Request | undefined {
    const isIt = (each: Request) => each.networkId === networkId;
    return this.#requests.find(isIt) ?? this.#new.find(isIt);
  }

  #end(isEnded: (request: Request) => boolean): void {
    let any = false;
    for (const [job, request] of this.#byJob) {
      if (!isEnded(request)) continue;
      any = true;
      this.#byJob.delete(job);
      if (request.answer !== undefined && !request.released) this.#continue(request.client, request.answer);
    }
    if (!any) return;
    this.#requests = this.#requests.filter((request) => !isEnded(request));
    this.#new = this.#new.filter((request) => !isEnded(request));
    this.#changed();
  }

  /** The first request that must be waited for. */
  get #first(): Request | undefined {
    const isDue = ({ late }: Request) => !late;
    return this.#requests.find(isDue) ?? this.#new.find(isDue);
  }

  /**
   * Appends the new requests in an order that does not depend on which frame, worker or way to the browser was faster:
   * files of documents frame by frame, then files of workers, scripts of workers, documents.
   */
  #sort(): void {
    const rank = ({ frameId, networkId, type }: Request): number => {
      const frame = this.#frames.get(frameId) ?? -1;
      if (type === 'Document') return 3e6 + frame;
      if (type === 'Other') return 2e6 + frame;
      const worker = this.#byWorker.get(networkId ?? '');
      return worker === undefined ? frame : 1e6 + worker;
    };
    this.#requests.push(...this.#new.sort((a, b) => rank(a) - rank(b)));
    this.#new = [];
  }

  #run(): void {
    this.#changed();
    if (this.#running) return;
    this.#running = true;
    void this.#deliver()
      .catch((error: unknown) => this.session.scope.fail(error))
      .finally(() => {
        this.#running = false;
        for (const resolve of this.#idle.splice(0)) resolve();
      });
  }

  async #deliver(): Promise<void> {
    const { signal } = this.session.scope;
    while (this.#first && !signal.aborted) {
      const root = [...this.#requests, ...this.#new].find(({ isRoot, late }) => isRoot && !late);
      if (root) {
        this.#sort();
        await this.#until(root, () => false);
        continue;
      }
      const rest = await this.#patiently(this.atRest());
      if (await this.#untilRead()) continue;
      this.#sort();
      const next = this.#next(rest?.hears ?? true);
      if (next.some(({ answer }) => answer === undefined)) {
        for (const request of next) await this.#until(request, () => request.answer !== undefined);
        continue;
      }
      for (const request of next) this.#release(request, rest?.verified);
      for (const request of next) await this.#until(request, () => false);
    }
  }

  /** The requests to deliver next: the first one, or several pictures in a row if no script listens for them. */
  #next(hears: boolean): Request[] {
    const due = this.#requests.filter(({ late }) => !late);
    if (hears || due[0]?.type !== 'Image') return due.slice(0, 1);
    const end = due.findIndex(({ type }) => type !== 'Image');
    return end < 0 ? due : due.slice(0, end);
  }

  #release(request: Request, verified: readonly string[] = []): void {
    request.released = true;
    request.isVerified = verified.includes(request.url);
    request.since = performance.now();
    this.#continue(request.client, request.answer!);
  }

  /** Waits until the condition holds for a request, or the request has ended or has had its time. */
  async #until(request: Request, isThere: () => boolean): Promise<void> {
    const isOver = () => isThere() || this.session.scope.signal.aborted || !this.#requests.includes(request);
    while (!isOver()) {
      const left = request.since + PATIENCE_MS - performance.now();
      if (left <= 0) {
        request.late = true;
        return;
      }
      await this.#patiently(new Promise<void>((resolve) => (this.#changed = resolve)), left);
    }
  }

  /** Waits for local requests. Returns whether there were any. */
  async #untilRead(): Promise<boolean> {
    const wasReading = this.#local.size > 0;
    while (this.#local.size > 0 && !this.session.scope.signal.aborted) {
      const next = new Promise<true>((resolve) => (this.#changed = () => resolve(true)));
      if (!(await this.#patiently(next))) this.#local.clear();
    }
    return wasReading;
  }

  async #patiently<T>(what: Promise<T>, ms = PATIENCE_MS): Promise<T | undefined> {
    const { signal } = this.session.scope;
    let over = () => {};
    const patience = new Promise<undefined>((resolve) => {
      over = () => resolve(undefined);
    });
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
    try {
      return await Promise.race([what, patience]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
    }
  }
}
