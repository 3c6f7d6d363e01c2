import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { ManagedProcess } from '../ManagedProcess.js';
import { hasLeftoversIn, removeLeftovers, retryRemoval } from '../leftovers.js';
import { explainShortage, requireFreeDescriptors } from '../shortage.js';
import { temporaryFolder } from '../temporaryFolder.js';
import { unregisterTemporary, registerTemporary, remove, removeTemporary } from '../temporaryPaths.js';
import { HostRecord, setCurrentRecord } from './HostRecord.js';
import { thisOwner } from './owner.js';
import { sweep } from './sweep.js';

/** How often a guardian is restarted that was ended from outside. */
const GUARDIAN_RESTARTS = 3;

/**
 * This Node process as the owner of everything that its renders create: one directory under TMPDIR
 * with a record of what belongs to it, and a guardian that removes all of it if this process is
 * killed. Both exist while somebody needs the host, and are removed with the last release.
 */
export class Host {
  static #current: { host: Promise<Host>; users: number } | undefined;
  #guardian: ManagedProcess | undefined;
  #restarts = 0;
  #isGuarded = false;
  #released = false;
  /** How many users keep this Node process alive: all except browsers that wait in a pool. */
  #aliveCount = 0;

  private constructor(readonly directory: string) {}

  /**
   * Acquires the host, until `release`. The first user creates the directory, starts the guardian, and removes what
   * dead hosts have left, unless the signal aborts. Rejects with a ToolError if this process cannot open as many files
   * as a worker needs.
   */
  static async acquire(signal?: AbortSignal): Promise<Host> {
    requireFreeDescriptors();
    const current = (Host.#current ??= { host: Host.#create(signal), users: 0 });
    current.users++;
    try {
      const host = await current.host;
      host.#ensureGuarded();
      host.keepAlive(true);
      return host;
    } catch (error) {
      if (Host.#current === current) Host.#current = undefined;
      throw error;
    }
  }

  static async #create(signal: AbortSignal | undefined): Promise<Host> {
    const host = new Host(join(temporaryFolder(), `genlock-${randomUUID().slice(0, 8)}`));
    // The guardian comes first, so that the directory never exists without somebody to remove it.
    host.#guard();
    try {
      await mkdir(host.directory, { mode: 0o700 }).catch(explain);
      registerTemporary(host.directory);
      setCurrentRecord(new HostRecord(host.directory, thisOwner()));
      await removeLeftovers();
      await sweep(dirname(host.directory), signal);
      return host;
    } catch (error) {
      await host.#end(() => {});
      throw explainShortage(error);
    }
  }

  /** Adds or removes a user that keeps this Node process alive. The guardian never does so by itself. */
  keepAlive(yes: boolean): void {
    this.#aliveCount += yes ? 1 : -1;
    this.#guardian?.keepAlive(this.#aliveCount > 0);
  }

  /** Releases the host. For the last user, resolves when directory and guardian are gone. Never throws. */
  async release(onLeftover: (path: string) => void): Promise<void> {
    const current = Host.#current;
    this.keepAlive(false);
    if (!current || --current.users > 0) return;
    Host.#current = undefined;
    await this.#end(onLeftover);
  }

  async #end(onLeftover: (path: string) => void): Promise<void> {
    this.#released = true;
    setCurrentRecord(undefined);
    // Leftovers are listed in the record inside the directory, which the next sweep needs if this process ends first.
    if (hasLeftoversIn(this.directory)) retryRemoval(() => this.#removeLast());
    else await removeTemporary(this.directory, onLeftover);
    await this.#guardian?.[Symbol.asyncDispose]();
  }

  #ensureGuarded(): void {
    if (this.#isGuarded || this.#released || this.#restarts > GUARDIAN_RESTARTS) return;
    this.#guard();
  }

  /** Removes the directory once there are no other leftovers. */
  async #removeLast(): Promise<boolean> {
    if (hasLeftoversIn(this.directory) || !(await remove(this.directory))) return false;
    unregisterTemporary(this.directory);
    return true;
  }

  #guard(): void {
    let script: string;
    try {
      script = createRequire(import.meta.url).resolve('@genlock/renderer/guardian');
    } catch {
      // In a bundle there is no script to run. What a killed host leaves is then removed at the next start.
      return;
    }
    // The guardian must not load the host's preloaded modules, nor listen on its debugger port.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#guardian = ManagedProcess.start(process.execPath, [script, this.directory], {
      role: 'guardian',
      outlivesHost: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env,
      onEnd: (_guardian, { error }) => {
        this.#isGuarded = false;
        // A guardian that could not be started is started with the next acquire.
        if (!error && !this.#released && this.#restarts++ < GUARDIAN_RESTARTS) this.#guard();
      },
    });
    this.#isGuarded = true;
    if (this.#aliveCount === 0) this.#guardian.keepAlive(false);
  }
}

/** Error codes that mean that a folder cannot be used. */
const UNUSABLE = ['ENOENT', 'ENOTDIR', 'EACCES', 'EROFS', 'ENAMETOOLONG', 'EPERM'];

function explain(error: NodeJS.ErrnoException): never {
  if (!UNUSABLE.includes(error.code ?? '')) throw error;
  throw new InputError(
    `no folder for temporary files can be created in ${temporaryFolder()} (${error.code}): set TMPDIR to one that exists`,
    {},
    { cause: error },
  );
}

/**
 * Has this process guarded until the result is disposed of. Every render does so itself. This is for programs that
 * start processes before a render, or that render often. Rejects if no directory can be created under TMPDIR.
 */
export async function acquireHost(): Promise<AsyncDisposable> {
  const host = await Host.acquire();
  return { [Symbol.asyncDispose]: () => host.release(() => {}) };
}
