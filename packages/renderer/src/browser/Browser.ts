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
 * Variables that Chromium sets in its own environment while it starts, the second one from a thread of its GPU code.
 * Adding a variable may move the whole list while the main thread is reading it: one start in some hundreds crashed in
 * that way, with SIGSEGV in getenv. A variable that already exists is replaced in place.
 */
const PRESET_ENVIRONMENT = { DBUS_SESSION_BUS_ADDRESS: 'disabled:', VK_ICD_FILENAMES: '' };

/** How a browser is started for a job. */
export interface BrowserLaunch {
  found: FoundBrowser;
  beginFrameControl: boolean;
  flags: (profile: string) => string[];
  /** Additional environment variables. */
  environment: Record<string, string>;
  /** Equal for two jobs if one browser can serve both, one after the other. */
  key: string;
}

/**
 * Determines how to start the browser. Throws a ToolError if there is no browser, or the chosen WebGL driver is
 * missing.
 */
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
  // If the browser's file is replaced, browsers that were started from the old one no longer match.
  const { ino, mtimeMs, size } = statSync(found.path);
  const key = JSON.stringify([found.path, ino, mtimeMs, size, flags(''), environment, hardening]);
  return { found, beginFrameControl, flags, environment, key };
}

function requireLlvmpipe(): Llvmpipe {
  const llvmpipe = findLlvmpipe();
  if (llvmpipe) return llvmpipe;
  throw new ToolError(
    'llvmpipe, which is to draw WebGL, is not installed (on Debian or Ubuntu: sudo apt-get install -y ' +
      'mesa-vulkan-drivers); webgl: swiftshader (--webgl swiftshader) needs nothing but the browser',
  );
}

/**
 * One browser process in a directory of its own. It belongs to a job, or between two jobs to a pool, and dies with its
 * owner. Disposing kills the whole process group: there is nothing in it worth saving.
 */
export class Browser implements AsyncDisposable {
  /** Called when the process has ended. */
  onEnd: (end: ProcessEnd) => void = () => {};
  /** Called with an error in handling the browser's messages. The browser must then be ended. */
  onFault: (error: unknown) => void = () => {};
  /** How many pages it has had so far. */
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
        env: { ...PRESET_ENVIRONMENT, ...globalThis.process.env, ...environment, TMPDIR: temporary },
      });
      return new Browser(process, beginFrameControl, key, directory);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The protocol session with the browser as a whole, from which the sessions of a job's page are created. */
  attach(): Promise<CDPSession> {
    return (this.#root ??= this.#attach());
  }

  /** Returns, and removes, the binary contents that a protocol message refers to by this name. */
  takeBytes(name: string): Buffer {
    return this.#connection!.transport.takeBytes(name);
  }

  /** Disposes of a browser context with all its pages and their data, and removes the listeners on them. */
  async disposeContext(browserContextId: string): Promise<void> {
    const { connection, id } = await this.attach();
    // Detaches first, so that events of the pages while they close are not handled.
    await connection.send('Target.detachFromTarget', { sessionId: id });
    await connection.send('Target.disposeBrowserContext', { browserContextId });
    this.#root = undefined;
    connection.clear();
  }

  /** Makes a job the owner of the browser, which dies with that job from now on. */
  lendTo(scope: JobScope): void {
    this.#keepAlive(true);
    this.directory.onLeftover = scope.leftover;
    scope.borrow(this.process);
  }

  /** Takes the browser back from a job. It no longer keeps this Node process alive. `onEnd` is called if it ends. */
  takeFrom(scope: JobScope, owner: ProcessOwner, onLeftover: (what: string) => void, onEnd: () => void): void {
    this.onEnd = onEnd;
    this.onFault = onEnd;
    this.directory.onLeftover = onLeftover;
    this.#keepAlive(false);
    // This comes last, because a listener of its event may end the browser at once.
    scope.giveBack(this.process, owner);
  }

  /** Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#keepAlive(true);
    // Messages that have already arrived, for example that the page is gone, are no longer handled.
    this.#connection?.transport.removeListeners();
    await this.process[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  #keepAlive(yes: boolean): void {
    this.process.keepAlive(yes);
    this.directory.keepAlive(yes);
  }

  async #attach(): Promise<CDPSession> {
    const [, , , toBrowser, fromBrowser] = this.process.pipes;
    // The process could not be started, which is reported when it ends.
    if (!toBrowser || !fromBrowser) return never();
    const onFault = (error: unknown) => this.onFault(error);
    this.#connection ??= new Connection(new PipeTransport(toBrowser as Writable, fromBrowser as Readable, onFault));
    const { sessionId } = await this.#connection.send('Target.attachToBrowserTarget');
    return this.#connection.session(sessionId)!;
  }
}
