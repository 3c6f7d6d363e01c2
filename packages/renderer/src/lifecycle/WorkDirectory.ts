import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerTemporary, removeTemporary } from './temporaryPaths.js';

/** A directory of our own under TMPDIR, removed with all that is in it. */
export class WorkDirectory implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly onLeftover: (path: string) => void,
  ) {}

  /** `onLeftover` is told the path if it cannot be removed at the end. */
  static async create(onLeftover: (path: string) => void = () => {}): Promise<WorkDirectory> {
    const path = await mkdtemp(join(tmpdir(), 'genlock-'));
    registerTemporary(path);
    return new WorkDirectory(path, onLeftover);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeTemporary(this.path, this.onLeftover);
  }
}
