import type { CDPSession, Protocol } from './Connection.js';
import type { ResolvedOptions } from '../options/options.js';
import { CONTROL_KEY, pageScript, workerScript, type Moment, type PageConfig } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import { hash } from './hash.js';
import { stableWorkerName } from './stableWorkerName.js';
import { OpenedWindow } from './OpenedWindow.js';
import { adoptShadowRoots } from './shadowRoots.js';

/** A document of the page, in the session of the process that it lives in. */
interface PageDocument {
  client: CDPSession;
  contextId: number;
  origin: string;
  frameId: string | undefined;
}

/** What parts a page consists of. */
export type PartKind = 'document' | 'worker' | 'shared_worker';

/** What we are attached to before its first script runs; it waits for us there. */
const AUTO_ATTACH = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };

/** What the browser attaches us to by itself, as it belongs to no page: shared workers, and windows that a page opens. */
const OF_THE_BROWSER = [{ type: 'shared_worker' }, { type: 'page' }, { exclude: true }];

/**
 * Everything that the page consists of: its documents, wherever the browser keeps them, and its
 * workers. Each one has our clock before the first line of its own script.
 */
export class PageTargets {
  /** One for each document. */
  readonly #documents = new Map<string, PageDocument>();
  readonly #sharedWorkers = new Set<CDPSession>();
  readonly #windows = new Map<CDPSession, OpenedWindow>();
  readonly #workers = new Set<CDPSession>();
  readonly #config: PageConfig;
  /** The script with our clock that the documents of the page's own process get. */
  #clock: string | undefined;

  constructor(
    readonly session: BrowserSession,
    readonly options: ResolvedOptions,
    config: PageConfig,
    /** Is told the session of each part of the page, before that part runs; it may have something to send there first. */
    readonly onClient: (client: CDPSession, kind: PartKind) => Promise<unknown>,
    /** Is told the address of each worker that starts. */
    readonly onWorker: (url: string) => void,
  ) {
    this.#config = config;
  }

  /** Prepares the empty page and all that it will consist of. */
  async open(): Promise<void> {
    const { client, root } = this.session;
    const twice: Promise<unknown>[] = [];
    root.on('Target.attachedToTarget', ({ sessionId, targetInfo, waitingForDebugger }) => {
      const child = root.connection.session(sessionId);
      // The page itself has a session: another one would let its animations run, as its own last word.
      const isOwn = targetInfo.type === 'page' && !waitingForDebugger;
      if (isOwn) twice.push(root.send('Target.detachFromTarget', { sessionId }));
      else if (child) void this.#onAttached(client, child, targetInfo);
    });
    root.on('Target.detachedFromTarget', ({ sessionId }) => this.#forget(sessionId));
    await root.send('Target.setAutoAttach', { ...AUTO_ATTACH, filter: OF_THE_BROWSER });
    await Promise.all(twice);
    await this.#prepareDocument(client);
  }

  /** How many documents and shared workers there are. */
  get count(): number {
    return this.#documents.size + this.#sharedWorkers.size;
  }

  /** Whether the page has documents that cannot see each other. */
  get crossesOrigins(): boolean {
    const [first, ...others] = this.#documents.values();
    return this.spansProcesses || others.some(({ origin }) => origin !== first!.origin);
  }

  /** Whether the browser keeps documents of the page in processes of their own. */
  get spansProcesses(): boolean {
    return this.#clients().size > 1;
  }

  /**
   * Resolves when each document has heard what those around it had to tell, such as its size and how much
   * of it can be seen: between processes that takes the way through the browser, as our own question does.
   */
  async hear(): Promise<void> {
    for (const client of this.#clients()) await this.evaluate('frame', { client });
  }

  /** Calls our control object in every document of the page. Returns what those answer that are still there. */
  async evaluateAll<T>(call: string): Promise<T[]> {
    // These are ahead of the documents, which may ask them something.
    const shared = await Promise.all([...this.#sharedWorkers].map((client) => this.evaluate<T>(call, { client })));
    const answers = this.#askAll((document) => this.evaluate<T>(call, document));
    return [...shared, ...(await answers)].filter((answer) => answer !== undefined);
  }

  /** Asks every document that can answer. */
  #askAll<T>(ask: (document: PageDocument) => Promise<T | undefined>): Promise<(T | undefined)[]> {
    const answers = [...this.#documents.values()].map((document) => {
      const asked = () => ask(document);
      return this.#windows.get(document.client)?.answer(asked) ?? asked();
    });
    return Promise.all(answers);
  }

  /** The same in the document of one frame. */
  async evaluateIn(frameId: string, call: string): Promise<void> {
    const document = [...this.#documents.values()].find((each) => each.frameId === frameId);
    if (document) await this.evaluate(call, document);
  }

  /** The same in every worker that a document or another worker has started. */
  async evaluateWorkers<T>(call: string): Promise<T[]> {
    const answers = await Promise.all([...this.#workers].map((client) => this.evaluate<T>(call, { client })));
    return answers.filter((answer) => answer !== undefined);
  }

  /** The same in one document, by default the page's own. */
  async evaluate<T>(
    call: string,
    document: { client: CDPSession; contextId?: number } | undefined = this.#main(),
  ): Promise<T | undefined> {
    const expression = `globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})]?.${call}`;
    if (!document) return undefined;
    const { client, contextId } = document;
    try {
      const answer = await this.session.sendTo(client)('Runtime.evaluate', {
        ...(contextId === undefined ? {} : { contextId }),
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      return (answer as typeof answer | undefined)?.result.value as T | undefined;
    } catch (error) {
      // A document may be replaced while it is being asked; the next one is asked in its turn.
      if (!/context|navigated|destroyed|collected/i.test(String(error))) throw error;
      return undefined;
    }
  }

  /**
   * Brings shadow trees that scripts cannot find under the clock, in documents that may have such. Reads
   * the whole of those: some 3 ms for a few hundred elements.
   */
  async adoptShadowRoots(): Promise<void> {
    await this.#askAll((document) => this.#adoptIn(document));
  }

  async #adoptIn(document: PageDocument): Promise<undefined> {
    if (!(await this.evaluate<boolean>('hidesRoots()', document))) return;
    await adoptShadowRoots(this.session.sendTo(document.client), document.contextId);
    await this.evaluate('rootsSearched()', document);
  }

  /** The sessions of the processes that documents live in: that of the page's own first. */
  #clients(): Set<CDPSession> {
    const clients = [...this.#documents.values()].map(({ client }) => client);
    return new Set(clients.filter((client) => !this.#windows.has(client)));
  }

  /** The page's own document, which is the first of its process. */
  #main(): PageDocument | undefined {
    return [...this.#documents.values()].find(({ client }) => client === this.session.client);
  }

  async #prepareDocument(client: CDPSession): Promise<void> {
    const { options, session } = this;
    this.#listenForDocuments(client);
    this.#listenForChildren(client);
    const send = session.sendTo(client);
    const commands: Promise<unknown>[] = [
      // What fails in a window that the page opens fails nothing.
      ...(this.#windows.has(client) ? [] : [this.onClient(client, 'document')]),
      send('Page.enable'),
      send('Runtime.enable'),
      send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }),
      send('Log.enable'),
      this.#putClock(client),
      // Animations stand still unless our clock moves them; they stay in the state `running`.
      send('Animation.enable'),
      send('Animation.setPlaybackRate', { playbackRate: 0 }),
      send('Target.setAutoAttach', AUTO_ATTACH),
      // For the process, with its workers: another frame of it may have set the same already.
      send('Emulation.setTimezoneOverride', { timezoneId: options.timeZone }).catch(isSetAlready),
      send('Emulation.setLocaleOverride', { locale: options.locale }).catch(isSetAlready),
    ];
    if (client === session.client) {
      const { width, height, scale } = options;
      const metrics = { width, height, screenWidth: width, screenHeight: height, deviceScaleFactor: scale };
      commands.push(send('Emulation.setDeviceMetricsOverride', { ...metrics, mobile: false }));
    }
    await Promise.all(commands);
  }

  /** The next document of the page begins at this moment. */
  async beginAt(moment: Moment): Promise<void> {
    const { client } = this.session;
    const before = this.#clock;
    await this.#putClock(client, moment);
    if (before) await this.session.send('Page.removeScriptToEvaluateOnNewDocument', { identifier: before });
  }

  async #putClock(client: CDPSession, moment?: Moment): Promise<void> {
    const source = pageScript({ ...this.#config, ...(moment && { moment }) });
    const answer = await this.session.sendTo(client)('Page.addScriptToEvaluateOnNewDocument', { source });
    if (client === this.session.client) this.#clock = answer.identifier;
  }

  #listenForDocuments(client: CDPSession): void {
    const keyOf = (contextId: number) => `${client.id} ${contextId}`;
    client.on('Runtime.executionContextCreated', ({ context: { id, origin, auxData } }) => {
      const details = auxData as { isDefault?: boolean; frameId?: string } | undefined;
      if (!details?.isDefault) return;
      this.#documents.set(keyOf(id), { client, contextId: id, origin, frameId: details.frameId });
    });
    client.on('Runtime.executionContextDestroyed', (destroyed) => {
      // The field that is to replace this number is not yet sent by the browsers in use.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      this.#documents.delete(keyOf(destroyed.executionContextId));
    });
    client.on('Runtime.executionContextsCleared', () => this.#forget(client.id));
  }

  #listenForChildren(client: CDPSession): void {
    client.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      const child = client.connection.session(sessionId);
      if (child) void this.#onAttached(client, child, targetInfo);
    });
    client.on('Target.detachedFromTarget', ({ sessionId }) => this.#forget(sessionId));
  }

  #forget(sessionId: string): void {
    for (const workers of [this.#workers, this.#sharedWorkers])
      for (const worker of workers) if (worker.id === sessionId) workers.delete(worker);
    for (const [key, { client }] of this.#documents) if (client.id === sessionId) this.#documents.delete(key);
  }

  async #onAttached(parent: CDPSession, child: CDPSession, info: Protocol.Target.TargetInfo): Promise<void> {
    try {
      // Our own worker carries captured frames: it has no part in the page's time.
      const { ownWorker } = this.session;
      if (info.url.endsWith(ownWorker)) {
        this.onWorker(info.url.slice(0, -ownWorker.length));
        await this.session.sendTo(child)('Runtime.runIfWaitingForDebugger');
        return;
      }
      // Those that wait may answer only when they go on: the commands are sent, not waited for.
      let ready: Promise<unknown> | undefined;
      // The call that opens a window stands still until that goes on.
      if (info.type === 'page') this.#windows.set(child, new OpenedWindow(child, info.targetId));
      if (info.type === 'iframe' || info.type === 'page') ready = this.#prepareDocument(child);
      if (info.type === 'worker' || info.type === 'shared_worker') {
        ({ done: ready } = await this.#prepareWorker(parent, child, info, info.type));
      }
      await Promise.all([ready, this.session.sendTo(child)('Runtime.runIfWaitingForDebugger')]);
    } catch (error) {
      // A worker that has ended meanwhile needs no clock.
      const hasEnded = /worker/.test(info.type) && /target navigated or closed|target closed/i.test(String(error));
      if (!hasEnded) this.session.scope.fail(error);
    }
  }

  /** Resolves when the commands are sent, with a promise in a field for their answers. */
  async #prepareWorker(
    parent: CDPSession,
    child: CDPSession,
    { url, title }: Protocol.Target.TargetInfo,
    kind: 'worker' | 'shared_worker',
  ): Promise<{ done: Promise<unknown> }> {
    const send = this.session.sendTo(child);
    this.#listenForChildren(child);
    const watched = this.onClient(child, kind);
    this.onWorker(url);
    const enabled = Promise.all([
      watched,
      send('Runtime.enable'),
      send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }),
      send('Log.enable'),
      send('Target.setAutoAttach', AUTO_ATTACH),
    ]);
    // It may fail before anybody waits for it.
    void enabled.catch(() => {});
    // The clock of the one that starts it stands still meanwhile.
    const moment = (await this.#momentOf(parent)) ?? { frame: 0, now: 0, started: false };
    // Whichever document is the first to have a shared worker, that is known by its address and its name.
    const seed = this.#config.seed + hash(`${stableWorkerName(url, this.#main()?.origin)} ${title}`);
    const source = workerScript({ ...this.#config, seed, moment }, kind === 'worker' ? 'dedicated' : 'shared');
    const setUp = send('Runtime.evaluate', { expression: source }).then((answer) => {
      const failed = (answer as typeof answer | undefined)?.exceptionDetails;
      if (failed) throw new Error(`the clock cannot be set up in a worker: ${failed.exception?.description}`);
    });
    const done = Promise.all([enabled, setUp]).then(() => {
      (kind === 'worker' ? this.#workers : this.#sharedWorkers).add(child);
    });
    return { done };
  }

  async #momentOf(client: CDPSession): Promise<Moment | undefined> {
    const document = [...this.#documents.values()].find((each) => each.client === client);
    const answer = await this.session.sendTo(client)('Runtime.evaluate', {
      ...(document ? { contextId: document.contextId } : {}),
      expression: `(({ frame, now, started }) => ({ frame, now, started }))(globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})])`,
      returnByValue: true,
    });
    return (answer as typeof answer | undefined)?.result.value as Moment | undefined;
  }
}

function isSetAlready(error: unknown): void {
  if (!/override is already in effect/i.test(String(error))) throw error;
}
