import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { CDPSession } from 'puppeteer-core';
import { BrowserCrashError, ToolError, where, type RenderPosition } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ManagedProcess, ProcessEnd } from '../lifecycle/ManagedProcess.js';
import type { ResolvedOptions } from '../options.js';
import { locateBrowser } from './findBrowser.js';
import { browserFlags } from './flags.js';
import { PipeTransport } from './PipeTransport.js';

/**
 * One browser process with one page. The process and its pipes are ours; the protocol client on top
 * is Puppeteer's. Disposing kills the whole process group: there is nothing in it worth saving.
 */
export class BrowserSession implements AsyncDisposable {
  /** What the addresses of our own workers end in: nothing that a page could know. */
  readonly ownWorker = `#${randomUUID()}`;
  #open = true;
  #launched = false;
  #client: CDPSession | undefined;

  private constructor(
    readonly process: ManagedProcess,
    /** Whether frames are issued one by one through `HeadlessExperimental.beginFrame`. */
    readonly beginFrameControl: boolean,
    readonly scope: JobScope,
  ) {
    void process.ended.then((end) => this.#fail(this.#endedError(end)));
  }

  /** Starts the browser with its profile inside `directory` and opens an empty page. */
  static async launch(scope: JobScope, options: ResolvedOptions, directory: string): Promise<BrowserSession> {
    const found = locateBrowser(options.browserConfig.executablePath);
    const beginFrameControl = options.browserConfig.beginFrameControl ?? found.beginFrameControl;
    const temporary = join(directory, 'tmp');
    await mkdir(temporary);

    const flags = browserFlags(found, {
      beginFrameControl,
      profile: join(directory, 'profile'),
      scale: options.scale,
      locale: options.locale,
      htmlInCanvas: options.mode === 'element',
      extra: options.browserConfig.args ?? [],
    });
    const process = scope.start(found.path, flags, {
      role: 'browser',
      hardening: 'namespace',
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...globalThis.process.env, TMPDIR: temporary },
    });
    const session = new BrowserSession(process, beginFrameControl, scope);
    try {
      const { launch } = options.deadlines;
      session.#client = await scope.wait(session.#openPage(options), launch, 'the browser to answer');
      session.#launched = true;
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The protocol session of the page, for its events. */
  get client(): CDPSession {
    if (!this.#client) throw new Error('the page is not open yet');
    return this.#client;
  }

  /**
   * Sends a protocol command. When the connection is lost it never settles: what ended the browser
   * fails the scope, and that is the error worth having.
   */
  readonly send: CDPSession['send'] = async (method, ...params) => {
    try {
      return await this.client.send(method, ...params);
    } catch (error) {
      if (isConnectionLoss(error)) return never();
      throw error;
    }
  };

  /**
   * Sends to a part of the page that has a session of its own. The answer is undefined, whatever its
   * type says, when that part has ended, as workers and frames may at any time.
   */
  sendTo(client: CDPSession): CDPSession['send'] {
    if (client === this.#client) return this.send;
    return async (method, ...params) => {
      try {
        return await client.send(method, ...params);
      } catch (error) {
        if (isConnectionLoss(error)) return undefined;
        throw error;
      }
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    await this.process[Symbol.asyncDispose]();
  }

  async #openPage(options: ResolvedOptions): Promise<CDPSession> {
    try {
      const [, , , toBrowser, fromBrowser] = this.process.child.stdio;
      const transport = new PipeTransport(toBrowser as Writable, fromBrowser as Readable);
      // Loaded only here, while the browser starts: it is large, and most errors come before it is needed.
      const { Connection } = await import('puppeteer-core');
      const connection = new Connection('', transport, 0, 0);
      // The page's own session tells of its crash only once it is attached.
      connection.on('Target.targetCrashed', () => {
        this.#fail(new BrowserCrashError(`${this.#where()}the page crashed (often: out of memory)`, this.#position()));
      });
      await connection.send('Target.setDiscoverTargets', { discover: true });
      const { targetId } = await connection.send('Target.createTarget', {
        url: 'about:blank',
        width: options.width,
        height: options.height,
        ...(this.beginFrameControl ? { enableBeginFrameControl: true } : {}),
      });
      connection.on('Target.targetDestroyed', (gone) => {
        if (gone.targetId === targetId)
          this.#fail(new BrowserCrashError(`${this.#where()}the page closed itself`, this.#position(), 'page'));
      });
      // Not through Puppeteer's pages: those attach to workers too, and let them run before we are there.
      const { targetInfos } = await connection.send('Target.getTargets');
      return await connection.createSession(targetInfos.find((info) => info.targetId === targetId)!);
    } catch (error) {
      if (isConnectionLoss(error)) return never();
      throw error;
    }
  }

  #fail(error: Error): void {
    if (this.#open) this.scope.fail(error);
  }

  #endedError(end: ProcessEnd): Error {
    const path = this.process.command;
    const position = this.#position();
    if (end.error) return new ToolError(`the browser at ${path} cannot be started: ${end.error.message}`, position);
    const how = end.signal ? `was ended by ${end.signal}` : `exited with code ${end.code}`;
    const said = end.stderr.trim();
    const details = said ? `\n    ${said.split('\n').slice(-8).join('\n    ')}` : '';
    if (this.#launched) return new BrowserCrashError(`${this.#where()}the browser ${how}${details}`, position);
    const hint = /sandbox/i.test(said) ? ' (browserConfig.args: ["--no-sandbox"] starts it without its sandbox)' : '';
    return new ToolError(`the browser at ${path} did not start: it ${how}${hint}${details}`, position, end.signal);
  }

  #position(): RenderPosition {
    return { ...this.scope.position };
  }

  #where(): string {
    return where(this.scope.position);
  }
}

/** Puppeteer's errors for a command whose browser or page is gone. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TargetCloseError' || error.name === 'ConnectionClosedError') return true;
  return /Target closed|Session closed|Connection closed|detached/.test(error.message);
}
