import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Host } from './host/Host.js';
import { removeTemporary } from './temporaryPaths.js';

/** A directory of our own under TMPDIR that is removed with everything in it, even if this process is killed. */
export class WorkDirectory implements AsyncDisposable {
  #keepsAlive = true;

  private constructor(
    readonly path: string,
    readonly host: Host,
    public onLeftover: (path: string) => void,
  ) {}

  /** `onLeftover` receives the path if it cannot be removed. An abort ends the sweep for what dead hosts have left. */
  static async create(onLeftover: (path: string) => void = () => {}, signal?: AbortSignal): Promise<WorkDirectory> {
    const host = await Host.acquire(signal);
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

  /** Sets whether the directory keeps this Node process alive. Default true. */
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
