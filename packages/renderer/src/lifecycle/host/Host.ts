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

/** A guardian that is ended from outside is started again, this many times. */
const GUARDIAN_RESTARTS = 3;

/**
 * This Node process as the owner of everything that its renders make: one directory under TMPDIR
 * with a record of what belongs to it, and a guardian that removes all of it if this process is
 * killed. They are there while something holds them, and gone when the last hold is released.
 */
export class Host {
  static #current: { host: Promise<Host>; holds: number } | undefined;
  #guardian: ManagedProcess | undefined;
  #restarts = 0;
  #isGuarded = false;
  #released = false;
  /** Holds for which this Node process stays alive: all but those of browsers that nobody uses now. */
  #needs = 0;

  private constructor(readonly directory: string) {}

  /**
   * Takes hold; the first one makes the directory and starts the guardian, and sweeps what dead hosts left, until
   * the signal aborts. Rejects with a ToolError where this process cannot open as many files as a worker needs.
   */
  static async hold(signal?: AbortSignal): Promise<Host> {
    requireFreeDescriptors();
    const current = (Host.#current ??= { host: Host.#create(signal), holds: 0 });
    current.holds++;
    try {
      const host = await current.host;
      host.#guardAgain();
      host.keepAlive(true);
      return host;
    } catch (error) {
      if (Host.#current === current) Host.#current = undefined;
      throw error;
    }
  }

  static async #create(signal: AbortSignal | undefined): Promise<Host> {
    const host = new Host(join(temporaryFolder(), `genlock-${randomUUID().slice(0, 8)}`));
    // The guardian comes first: there is no moment at which nobody would remove the directory.
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

  /** One hold more, or less, for which this Node process stays alive. The guardian never keeps it so by itself. */
  keepAlive(yes: boolean): void {
    this.#needs += yes ? 1 : -1;
    this.#guardian?.keepAlive(this.#needs > 0);
  }

  /** Lets go. Resolves, for the last hold, when directory and guardian are gone. Never throws. */
  async release(onLeftover: (path: string) => void): Promise<void> {
    const current = Host.#current;
    this.keepAlive(false);
    if (!current || --current.holds > 0) return;
    Host.#current = undefined;
    await this.#end(onLeftover);
  }

  async #end(onLeftover: (path: string) => void): Promise<void> {
    this.#released = true;
    setCurrentRecord(undefined);
    // What is left is named in the record inside the directory, for the next sweep if this process ends before.
    if (hasLeftoversIn(this.directory)) retryRemoval(() => this.#removeLast());
    else await removeTemporary(this.directory, onLeftover);
    await this.#guardian?.[Symbol.asyncDispose]();
  }

  #guardAgain(): void {
    if (this.#isGuarded || this.#released || this.#restarts > GUARDIAN_RESTARTS) return;
    this.#guard();
  }

  /** Once nothing else is left. */
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
      // A bundled library has no file to run. What a killed host leaves is swept at the next start.
      return;
    }
    // A guardian must not load what the host was told to load, nor listen where it listens.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#guardian = ManagedProcess.start(process.execPath, [script, this.directory], {
      role: 'guardian',
      outlivesHost: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env,
      onEnd: (_guardian, { error }) => {
        this.#isGuarded = false;
        // One that could not be started is started with the next hold.
        if (!error && !this.#released && this.#restarts++ < GUARDIAN_RESTARTS) this.#guard();
      },
    });
    this.#isGuarded = true;
    if (this.#needs === 0) this.#guardian.keepAlive(false);
  }
}

/** What the system says of a folder that is of no use, whoever looks at it. */
const OF_NO_USE = ['ENOENT', 'ENOTDIR', 'EACCES', 'EROFS', 'ENAMETOOLONG', 'EPERM'];

function explain(error: NodeJS.ErrnoException): never {
  if (!OF_NO_USE.includes(error.code ?? '')) throw error;
  throw new InputError(
    `no folder for temporary files can be made in ${temporaryFolder()} (${error.code}): let TMPDIR name one that is there`,
    {},
    { cause: error },
  );
}

/**
 * Has this process guarded from now on, until the result is disposed of. Each render does that for
 * itself; this is for programs that start processes before, or that render often. Rejects when no
 * directory can be made under TMPDIR.
 */
export async function acquireHost(): Promise<AsyncDisposable> {
  const host = await Host.hold();
  return { [Symbol.asyncDispose]: () => host.release(() => {}) };
}
