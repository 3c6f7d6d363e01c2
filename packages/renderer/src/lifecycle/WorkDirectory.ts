import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of our own under TMPDIR, removed with all that is in it. */
export class WorkDirectory implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly onLeftover: (path: string) => void,
  ) {}

  /** `onLeftover` is told the path if it cannot be removed at the end. */
  static async create(onLeftover: (path: string) => void = () => {}): Promise<WorkDirectory> {
    return new WorkDirectory(await mkdtemp(join(tmpdir(), 'genlock-')), onLeftover);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch {
      this.onLeftover(this.path);
    }
  }
}
