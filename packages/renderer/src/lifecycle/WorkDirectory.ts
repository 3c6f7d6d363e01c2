import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Host } from './host/Host.js';
import { removeTemporary } from './temporaryPaths.js';

/** A directory of our own under TMPDIR, removed with all that is in it, also when this process is killed. */
export class WorkDirectory implements AsyncDisposable {
  #keepsAlive = true;

  private constructor(
    readonly path: string,
    readonly host: Host,
    public onLeftover: (path: string) => void,
  ) {}

  /** `onLeftover` is told the path if it cannot be removed at the end. With the signal, nothing else is tidied up first. */
  static async create(onLeftover: (path: string) => void = () => {}, signal?: AbortSignal): Promise<WorkDirectory> {
    const host = await Host.hold(signal);
    const directory = new WorkDirectory(join(host.directory, randomUUID().slice(0, 8)), host, onLeftover);
    try {
      await mkdir(directory.path);
      return directory;
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Whether this Node process, and its guardian, stay alive for it. True unless something else is said. */
  keepAlive(yes: boolean): void {
    if (yes === this.#keepsAlive) return;
    this.#keepsAlive = yes;
    this.host.keepAlive(yes);
  }

  /** Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.keepAlive(true);
    await removeTemporary(this.path, this.onLeftover);
    await this.host.release(this.onLeftover);
  }
}
