import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MEGABYTES = 64;
const INODES = 3000;
const FILLER = '.filler';
/** What Linux calls a tmpfs (statfs(2)). */
const TMPFS = 0x01021994;

/** A file system of its own, which can be filled to the last byte and the last file. Linux, as root. */
export class SmallDisk implements Disposable {
  #files: string[] = [];

  private constructor(readonly path: string) {}

  /** Puts it on an empty folder. Undefined where that is not permitted. */
  static mount(path: string): SmallDisk | undefined {
    try {
      const options = `size=${MEGABYTES}m,nr_inodes=${INODES}`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
      return new SmallDisk(path);
    } catch {
      return undefined;
    }
  }

  /** Leaves no room for one byte or one file more. */
  readonly fill = (): void => {
    // Never the machine's own disk, should the mount be gone.
    const { type, blocks, bsize } = statfsSync(this.path);
    if (type !== TMPFS || blocks * bsize > MEGABYTES << 20) throw new Error(`${this.path} is not the small disk`);
    const block = Buffer.alloc(1 << 20);
    const first = this.#create()!;
    for (const size of [block.length, 4096, 1]) {
      try {
        for (;;) writeSync(first, block, 0, size);
      } catch {
        // Full, for pieces of this size.
      }
    }
    closeSync(first);
    for (let file = this.#create(); file !== undefined; file = this.#create()) closeSync(file);
  };

  /** Takes away what fills it. */
  readonly free = (): void => {
    for (const file of this.#files) rmSync(file, { force: true });
    this.#files = [];
  };

  [Symbol.dispose](): void {
    this.free();
    execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
  }

  #create(): number | undefined {
    const path = join(this.path, `${FILLER}${this.#files.length}`);
    try {
      const file = openSync(path, 'w');
      this.#files.push(path);
      return file;
    } catch {
      return undefined;
    }
  }
}
