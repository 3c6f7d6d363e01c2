import { execFileSync } from 'node:child_process';

/** Makes a folder one that nobody can write to, root neither: a mount of its own. Linux, as root. */
export class ReadOnlyFolder implements Disposable {
  private constructor(readonly path: string) {}

  /** Undefined where that is not permitted. */
  static mount(path: string): ReadOnlyFolder | undefined {
    try {
      execFileSync('mount', ['--bind', path, path], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    const folder = new ReadOnlyFolder(path);
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', path], { stdio: 'ignore' });
      return folder;
    } catch {
      folder[Symbol.dispose]();
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
  }
}
