import type { CDPSession } from './Connection.js';
import { CONTROL_KEY, type Moment } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import { OpenedWindow } from './OpenedWindow.js';
import { adoptShadowRoots } from './shadowRoots.js';

/** A document of the page, with the session of the process that it lives in. */
interface PageDocument {
  client: CDPSession;
  contextId: number;
  origin: string;
  frameId: string | undefined;
}

/**
 * The JavaScript contexts of the page: its documents, in whatever process they are, its workers, and the windows that
 * it has opened. Calls our control object in them.
 */
export class PageContexts {
  /** The documents, by session and context. */
  readonly #documents = new Map<string, PageDocument>();
  readonly #workers = new Set<CDPSession>();
  readonly #sharedWorkers = new Set<CDPSession>();
  readonly #windows = new Map<CDPSession, OpenedWindow>();

  constructor(readonly session: BrowserSession) {}

  /** Follows the documents of one process. */
  watchDocuments(client: CDPSession): void {
    const keyOf = (contextId: number) => `${client.id} ${contextId}`;
    client.on('Runtime.executionContextCreated', ({ context: { id, origin, auxData } }) => {
      const details = auxData as { isDefault?: boolean; frameId?: string } | undefined;
      if (!details?.isDefault) return;
      this.#documents.set(keyOf(id), { client, contextId: id, origin, frameId: details.frameId });
    });
    client.on('Runtime.executionContextDestroyed', (destroyed) => {
      // The browsers in use do not yet send the field that is to replace this number.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      this.#documents.delete(keyOf(destroyed.executionContextId));
    });
    client.on('Runtime.executionContextsCleared', () => this.forget(client.id));
  }

  /** Adds a worker whose clock has been set up. */
  addWorker(client: CDPSession, kind: 'worker' | 'shared_worker'): void {
    (kind === 'worker' ? this.#workers : this.#sharedWorkers).add(client);
  }

  /** Adds a window that the page has opened. */
  addWindow(client: CDPSession, targetId: string): void {
    this.#windows.set(client, new OpenedWindow(client, targetId));
  }

  isWindow(client: CDPSession): boolean {
    return this.#windows.has(client);
  }

  /** Removes the contexts of a session that has ended. */
  forget(sessionId: string): void {
    for (const workers of [this.#workers, this.#sharedWorkers])
      for (const worker of workers) if (worker.id === sessionId) workers.delete(worker);
    for (const [key, { client }] of this.#documents) if (client.id === sessionId) this.#documents.delete(key);
  }

  /** The number of documents and shared workers. */
  get count(): number {
    return this.#documents.size + this.#sharedWorkers.size;
  }

  /** The origin of the page's main document, if there is one. */
  get origin(): string | undefined {
    return this.#main()?.origin;
  }

  /** Whether the page has documents that cannot access each other. */
  get crossesOrigins(): boolean {
    const [first, ...others] = this.#documents.values();
    return this.spansProcesses || others.some(({ origin }) => origin !== first!.origin);
  }

  /** Whether the browser runs documents of the page in more than one process. */
  get spansProcesses(): boolean {
    return this.#clients().size > 1;
  }

  /**
   * Resolves once each document has received what the documents around it have sent so far, such as its size and how
   * much of it is visible. Between processes such messages go through the browser, in order with our own.
   */
  async sync(): Promise<void> {
    for (const client of this.#clients()) await this.evaluate('frame', { client });
  }

  /** Calls our control object in every document and shared worker. Returns the answers of those that still exist. */
  async evaluateAll<T>(call: string): Promise<T[]> {
    // Shared workers first: documents may ask them something.
    const shared = await Promise.all([...this.#sharedWorkers].map((client) => this.evaluate<T>(call, { client })));
    const answers = this.#askDocuments((document) => this.evaluate<T>(call, document));
    return [...shared, ...(await answers)].filter((answer) => answer !== undefined);
  }

  /** Like `evaluateAll`, in the document of one frame. */
  async evaluateIn(frameId: string, call: string): Promise<void> {
    const document = [...this.#documents.values()].find((each) => each.frameId === frameId);
    if (document) await this.evaluate(call, document);
  }

  /** Like `evaluateAll`, in every worker that a document or another worker has started. */
  async evaluateWorkers<T>(call: string): Promise<T[]> {
    const answers = await Promise.all([...this.#workers].map((client) => this.evaluate<T>(call, { client })));
    return answers.filter((answer) => answer !== undefined);
  }

  /** Like `evaluateAll`, in one document: by default the page's main document. */
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
      // A document may be replaced while it is being asked; the new one is asked by a later call.
      if (!/context|navigated|destroyed|collected/i.test(String(error))) throw error;
      return undefined;
    }
  }

  /** The current moment of the clock in the context of a session. */
  async momentOf(client: CDPSession): Promise<Moment | undefined> {
    const document = [...this.#documents.values()].find((each) => each.client === client);
    const answer = await this.session.sendTo(client)('Runtime.evaluate', {
      ...(document ? { contextId: document.contextId } : {}),
      expression: `(({ frame, now, started }) => ({ frame, now, started }))(globalThis[Symbol.for(${JSON.stringify(CONTROL_KEY)})])`,
      returnByValue: true,
    });
    return (answer as typeof answer | undefined)?.result.value as Moment | undefined;
  }

  /**
   * Brings shadow trees that scripts cannot find under the clock, in the documents that may have such trees. This reads
   * those documents completely: some 3 ms for a few hundred elements.
   */
  async adoptShadowRoots(): Promise<void> {
    await this.#askDocuments((document) => this.#adoptIn(document));
  }

  async #adoptIn(document: PageDocument): Promise<undefined> {
    if (!(await this.evaluate<boolean>('hidesRoots()', document))) return;
    await adoptShadowRoots(this.session.sendTo(document.client), document.contextId);
    await this.evaluate('rootsSearched()', document);
  }

  /** Asks every document, except the windows that cannot answer at present. */
  #askDocuments<T>(ask: (document: PageDocument) => Promise<T | undefined>): Promise<(T | undefined)[]> {
    const answers = [...this.#documents.values()].map((document) => {
      const askThis = () => ask(document);
      return this.#windows.get(document.client)?.answer(askThis) ?? askThis();
    });
    return Promise.all(answers);
  }

  /** The sessions of the processes with documents of the page, without opened windows. The page's own comes first. */
  #clients(): Set<CDPSession> {
    const clients = [...this.#documents.values()].map(({ client }) => client);
    return new Set(clients.filter((client) => !this.#windows.has(client)));
  }

  /** The page's main document, which is the first one of its process. */
  #main(): PageDocument | undefined {
    return [...this.#documents.values()].find(({ client }) => client === this.session.client);
  }
}
