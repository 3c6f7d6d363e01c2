import type { CDPSession, Protocol } from './Connection.js';
import type { ResolvedOptions } from '../options/options.js';
import { pageScript, workerScript, type Moment, type PageConfig } from '../page/index.js';
import type { BrowserSession } from './BrowserSession.js';
import { hash } from './hash.js';
import { stableWorkerName } from './stableWorkerName.js';
import { PageContexts } from './PageContexts.js';

/** The kinds of targets that a page consists of. */
export type PartKind = 'document' | 'worker' | 'shared_worker';

/** Attaches us to each new target before its first script runs. The target waits until we let it run. */
const AUTO_ATTACH = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };

/**
 * Targets that belong to no page, so that the browser itself attaches us: shared workers, and windows that a page
 * opens.
 */
const OF_THE_BROWSER = [{ type: 'shared_worker' }, { type: 'page' }, { exclude: true }];

/**
 * Attaches to everything that the page consists of: its documents, in whatever process they are, its workers, and the
 * windows that it opens. Each one has our clock before the first line of its own script.
 */
export class PageTargets {
  readonly contexts: PageContexts;
  readonly #config: PageConfig;
  /** The identifier of the script that puts our clock into the documents of the page's own process. */
  #clockScript: string | undefined;

  constructor(
    readonly session: BrowserSession,
    readonly options: ResolvedOptions,
    config: PageConfig,
    /** Called with the session of each target before the target runs. May send commands to it first. */
    readonly onClient: (client: CDPSession, kind: PartKind) => Promise<unknown>,
    /** Called with the address of each worker that starts. */
    readonly onWorker: (url: string) => void,
  ) {
    this.#config = config;
    this.contexts = new PageContexts(session);
  }

  /** Prepares the empty page and every target that it will consist of. */
  async open(): Promise<void> {
    const { client, root } = this.session;
    const detached: Promise<unknown>[] = [];
    root.on('Target.attachedToTarget', ({ sessionId, targetInfo, waitingForDebugger }) => {
      const child = root.connection.session(sessionId);
      // The page already has a session. A second one would let its animations run, since the last session decides.
      const isOwn = targetInfo.type === 'page' && !waitingForDebugger;
      if (isOwn) detached.push(root.send('Target.detachFromTarget', { sessionId }));
      else if (child) void this.#onAttached(client, child, targetInfo);
    });
    root.on('Target.detachedFromTarget', ({ sessionId }) => this.contexts.forget(sessionId));
    await root.send('Target.setAutoAttach', { ...AUTO_ATTACH, filter: OF_THE_BROWSER });
    await Promise.all(detached);
    await this.#prepareDocument(client);
  }

  async #prepareDocument(client: CDPSession): Promise<void> {
    const { options, session } = this;
    this.contexts.watchDocuments(client);
    this.#listenForChildren(client);
    const send = session.sendTo(client);
    const commands: Promise<unknown>[] = [
      // A failure in a window that the page has opened does not fail the render.
      ...(this.contexts.isWindow(client) ? [] : [this.onClient(client, 'document')]),
      send('Page.enable'),
      send('Runtime.enable'),
      send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }),
      send('Log.enable'),
      this.#installClock(client),
      // Animations stand still unless our clock moves them; they stay in the state `running`.
      send('Animation.enable'),
      send('Animation.setPlaybackRate', { playbackRate: 0 }),
      send('Target.setAutoAttach', AUTO_ATTACH),
      // These hold for the whole process with its workers: another frame in it may have set them already.
      send('Emulation.setTimezoneOverride', { timezoneId: options.timeZone }).catch(ignoreAlreadySet),
      send('Emulation.setLocaleOverride', { locale: options.locale }).catch(ignoreAlreadySet),
    ];
    if (client === session.client) {
      const { width, height, scale } = options;
      const metrics = { width, height, screenWidth: width, screenHeight: height, deviceScaleFactor: scale };
      commands.push(send('Emulation.setDeviceMetricsOverride', { ...metrics, mobile: false }));
    }
    await Promise.all(commands);
  }

  /** Makes the clock of the page's next document begin at this moment. */
  async beginAt(moment: Moment): Promise<void> {
    const { client } = this.session;
    const previous = this.#clockScript;
    await this.#installClock(client, moment);
    if (previous) await this.session.send('Page.removeScriptToEvaluateOnNewDocument', { identifier: previous });
  }

  async #installClock(client: CDPSession, moment?: Moment): Promise<void> {
    const source = pageScript({ ...this.#config, ...(moment && { moment }) });
    const answer = await this.session.sendTo(client)('Page.addScriptToEvaluateOnNewDocument', { source });
    if (client === this.session.client) this.#clockScript = answer.identifier;
  }

  #listenForChildren(client: CDPSession): void {
    client.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      const child = client.connection.session(sessionId);
      if (child) void this.#onAttached(client, child, targetInfo);
    });
    client.on('Target.detachedFromTarget', ({ sessionId }) => this.contexts.forget(sessionId));
  }

  async #onAttached(parent: CDPSession, child: CDPSession, info: Protocol.Target.TargetInfo): Promise<void> {
    try {
      // Our own worker, which carries captured frames, does not follow the page's clock.
      const { ownWorker } = this.session;
      if (info.url.endsWith(ownWorker)) {
        this.onWorker(info.url.slice(0, -ownWorker.length));
        await this.session.sendTo(child)('Runtime.runIfWaitingForDebugger');
        return;
      }
      // A waiting target may answer only after it is let run: commands are sent first, and awaited together with that.
      let ready: Promise<unknown> | undefined;
      // The script that opens a window is blocked until the window runs.
      if (info.type === 'page') this.contexts.addWindow(child, info.targetId);
      if (info.type === 'iframe' || info.type === 'page') ready = this.#prepareDocument(child);
      if (info.type === 'worker' || info.type === 'shared_worker') {
        ({ done: ready } = await this.#prepareWorker(parent, child, info, info.type));
      }
      await Promise.all([ready, this.session.sendTo(child)('Runtime.runIfWaitingForDebugger')]);
    } catch (error) {
      // A worker that has ended in the meantime needs no clock.
      const hasEnded = /worker/.test(info.type) && /target navigated or closed|target closed/i.test(String(error));
      if (!hasEnded) this.session.scope.fail(error);
    }
  }

  /** Resolves once the commands are sent. Their answers settle the promise in `done`. */
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
    // It may reject before it is awaited.
    void enabled.catch(() => {});
    // The clock of the parent stands still in the meantime.
    const moment = (await this.contexts.momentOf(parent)) ?? { frame: 0, now: 0, started: false };
    // The seed depends on the worker's address and name, not on which document starts a shared worker first.
    const seed = this.#config.seed + hash(`${stableWorkerName(url, this.contexts.origin)} ${title}`);
    const source = workerScript({ ...this.#config, seed, moment }, kind === 'worker' ? 'dedicated' : 'shared');
    const setUp = send('Runtime.evaluate', { expression: source }).then((answer) => {
      const failed = (answer as typeof answer | undefined)?.exceptionDetails;
      if (failed) throw new Error(`the clock cannot be set up in a worker: ${failed.exception?.description}`);
    });
    const done = Promise.all([enabled, setUp]).then(() => {
      this.contexts.addWorker(child, kind);
    });
    return { done };
  }
}

function ignoreAlreadySet(error: unknown): void {
  if (!/override is already in effect/i.test(String(error))) throw error;
}
