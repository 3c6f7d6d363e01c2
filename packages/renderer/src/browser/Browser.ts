import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { ToolError } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ProcessEnd } from '../lifecycle/howItEnded.js';
import type { ManagedProcess, ProcessOwner } from '../lifecycle/ManagedProcess.js';
import { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedOptions } from '../options/options.js';
import { Connection, type CDPSession } from './Connection.js';
import { locateBrowser, type FoundBrowser } from './findBrowser.js';
import { browserFlags } from './flags.js';
import { findLlvmpipe, llvmpipeEnvironment, type Llvmpipe } from './llvmpipe.js';
import { PipeTransport } from './PipeTransport.js';

/**
 * Variables that Chromium sets in its own environment while it starts, the second one from a thread of its
 * GPU code. To add a variable may move the list of all, under the feet of the main thread that looks one up:
 * one start in some hundreds ended so, by SIGSEGV in getenv. What is in the list already is replaced where it is.
 */
const SETTLED_ENVIRONMENT = { DBUS_SESSION_BUS_ADDRESS: 'disabled:', VK_ICD_FILENAMES: '' };

/** How a browser is started for a job. */
export interface BrowserLaunch {
  found: FoundBrowser;
  beginFrameControl: boolean;
  flags: (profile: string) => string[];
  /** Variables that are set for it. */
  environment: Record<string, string>;
  /** The same for two jobs when one browser can serve both, one after the other. */
  key: string;
}

/** Throws a ToolError when there is no browser, or not what it is to draw WebGL with. */
export function browserLaunch({
  browserConfig,
  scale,
  locale,
  webgl,
  webgpu,
  hardening,
  fileAccess,
  ignoreHttpsErrors,
}: ResolvedOptions): BrowserLaunch {
  const found = locateBrowser(browserConfig.executablePath);
  const beginFrameControl = browserConfig.beginFrameControl ?? found.beginFrameControl;
  const extra = browserConfig.args ?? [];
  const launch = { beginFrameControl, scale, locale, webgpu, fileAccess, ignoreHttpsErrors, extra };
  const flags = (profile: string) => browserFlags(found, { ...launch, profile });
  const environment = webgl === 'llvmpipe' ? llvmpipeEnvironment(requireLlvmpipe()) : {};
  // A browser that waits while its file is replaced is another one than would be started now.
  const { ino, mtimeMs, size } = statSync(found.path);
  const key = JSON.stringify([found.path, ino, mtimeMs, size, flags(''), environment, hardening]);
  return { found, beginFrameControl, flags, environment, key };
}

function requireLlvmpipe(): Llvmpipe {
  const llvmpipe = findLlvmpipe();
  if (llvmpipe) return llvmpipe;
  throw new ToolError(
    'llvmpipe, which is to draw WebGL, is not installed (on Debian or Ubuntu: sudo apt-get install -y ' +
      'mesa-vulkan-drivers); webgl: swiftshader (--webgl swiftshader) is in the browser',
  );
}

/**
 * One browser process in a directory of its own. It is one job's, or between two jobs a pool's, and dies with its
 * owner. Disposing kills the whole process group: there is nothing in it worth saving.
 */
export class Browser implements AsyncDisposable {
  /** Is told how the process ended. */
  onEnd: (end: ProcessEnd) => void = () => {};
  /** Is told what goes wrong with what it says; it is to be ended then. */
  onFault: (error: unknown) => void = () => {};
  /** How many pages it has had. */
  pages = 0;
  #connection: Connection | undefined;
  #root: Promise<CDPSession> | undefined;

  private constructor(
    readonly process: ManagedProcess,
    /** Whether frames are issued one by one through `HeadlessExperimental.beginFrame`. */
    readonly beginFrameControl: boolean,
    readonly key: string,
    readonly directory: WorkDirectory,
  ) {
    void process.ended.then((end) => this.onEnd(end));
  }

  /** Starts a browser that dies with the job. Does not wait for it to answer. */
  static async start(scope: JobScope, options: ResolvedOptions): Promise<Browser> {
    const { found, beginFrameControl, flags, environment, key } = browserLaunch(options);
    const directory = await WorkDirectory.create(scope.leftover, scope.signal);
    try {
      const temporary = directory.file('tmp');
      await mkdir(temporary);
      const process = scope.start(found.path, flags(directory.file('profile')), {
        role: 'browser',
        hardening: 'namespace',
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
        env: { ...SETTLED_ENVIRONMENT, ...globalThis.process.env, ...environment, TMPDIR: temporary },
      });
      return new Browser(process, beginFrameControl, key, directory);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The protocol session with the browser as a whole, in which the sessions of a job's page are begun. */
  attach(): Promise<CDPSession> {
    return (this.#root ??= this.#attach());
  }

  /** The bytes of a message of its protocol. Only once. */
  takeBytes(name: string): Buffer {
    return this.#connection!.transport.take(name);
  }

  /** Forgets a context with all its pages and their data, and whoever listened to them. */
  async forget(browserContextId: string): Promise<void> {
    const { connection, id } = await this.attach();
    // The pages are not to be heard any more: they may say something while they go.
    await connection.send('Target.detachFromTarget', { sessionId: id });
    await connection.send('Target.disposeBrowserContext', { browserContextId });
    this.#root = undefined;
    connection.clear();
  }

  /** Makes it a job's, which it dies with from now on. */
  lendTo(scope: JobScope): void {
    this.#keepAlive(true);
    this.directory.onLeftover = scope.leftover;
    scope.borrow(this.process);
  }

  /** Takes it from a job. It keeps this Node process alive no more. `onEnd` is told when it ends all the same. */
  takeFrom(scope: JobScope, owner: ProcessOwner, onLeftover: (what: string) => void, onEnd: () => void): void {
    this.onEnd = onEnd;
    this.onFault = onEnd;
    this.directory.onLeftover = onLeftover;
    this.#keepAlive(false);
    // Last: who is told of it may end it at once.
    scope.giveBack(this.process, owner);
  }

  /** Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#keepAlive(true);
    // What it has said already, such as that its page is gone, is not heard any more.
    this.#connection?.transport.silence();
    await this.process[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  #keepAlive(yes: boolean): void {
    this.process.keepAlive(yes);
    this.directory.keepAlive(yes);
  }

  async #attach(): Promise<CDPSession> {
    const [, , , toBrowser, fromBrowser] = this.process.pipes;
    // It could not be started, which its end tells.
    if (!toBrowser || !fromBrowser) return never();
    const onFault = (error: unknown) => this.onFault(error);
    this.#connection ??= new Connection(new PipeTransport(toBrowser as Writable, fromBrowser as Readable, onFault));
    const { sessionId } = await this.#connection.send('Target.attachToBrowserTarget');
    return this.#connection.session(sessionId)!;
  }
}
