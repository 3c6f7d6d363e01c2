import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { fileURLToPath } from 'node:url';

/** A file that a page was made from. `address` is below the composition's origin where it can be: `/style.css`. */
export interface FileHash {
  address: string;
  /** SHA-256 of what the address answers. */
  sha256: string;
}

/** Hosts whose port says nothing: a folder is served at another one in each render. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** The composition's address as it is the same in every render. */
export function stableAddress(url: string): string {
  const { protocol, hostname, pathname, search, href } = new URL(url);
  return LOOPBACK.includes(hostname) ? `${protocol}//${hostname}${pathname}${search}` : href;
}

/**
 * What the files of a page hold, during one render. A file that changes after the render has begun is
 * told apart: what was drawn from it belongs to no version of it.
 */
export class FileHashes {
  readonly #first = new Map<string, Promise<string | undefined>>();
  readonly #origin: string;

  constructor(
    compositionUrl: string,
    readonly signal: AbortSignal,
    readonly startedAt = Date.now(),
  ) {
    const { origin } = new URL(compositionUrl);
    this.#origin = origin === 'null' ? 'file://' : origin;
  }

  /** Takes note of the files as they are now. */
  see(urls: Iterable<string>): void {
    for (const url of urls) {
      if (!this.#first.has(url))
        this.#first.set(
          url,
          this.#read(url, this.startedAt).catch(() => undefined),
        );
    }
  }

  /** The files' hashes; undefined when one of them has changed since it was seen, or cannot be read. */
  async unchanged(urls: Iterable<string>): Promise<FileHash[] | undefined> {
    const all = [...urls].sort();
    this.see(all);
    const hashes = await Promise.all(
      all.map(async (url) => {
        const [first, now] = [await this.#first.get(url), await this.#read(url, this.startedAt).catch(() => undefined)];
        return first !== undefined && first === now ? { address: this.#short(url), sha256: now } : undefined;
      }),
    );
    return hashes.includes(undefined) ? undefined : (hashes as FileHash[]);
  }

  /** Whether every file is now as it was when these hashes were taken. */
  async match(files: readonly FileHash[]): Promise<boolean> {
    const all = await Promise.all(
      files.map(async ({ address, sha256 }) => {
        const url = address.startsWith('/') ? this.#origin + address : address;
        let first = this.#first.get(url);
        if (!first) this.#first.set(url, (first = this.#read(url, Infinity).catch(() => undefined)));
        return (await first) === sha256;
      }),
    );
    return all.every(Boolean);
  }

  #short(url: string): string {
    return url.startsWith(`${this.#origin}/`) ? url.slice(this.#origin.length) : url;
  }

  /** The hash of what an address answers; undefined when that was written after `until`, in ms since 1970. */
  async #read(url: string, until: number): Promise<string | undefined> {
    const hash = createHash('sha256');
    if (url.startsWith('file:')) {
      const path = fileURLToPath(url);
      if ((await stat(path)).mtimeMs >= until) return undefined;
      return hash.update(await readFile(path, { signal: this.signal })).digest('hex');
    }
    return new Promise((resolve, reject) => {
      const get = url.startsWith('https:') ? getHttps : getHttp;
      // A connection of its own: nothing is left open for the next request.
      const request = get(url, { agent: false, signal: this.signal }, (response) => {
        const written = Date.parse(response.headers['last-modified'] ?? '');
        hash.update(`${response.statusCode} `);
        response.on('data', (data: Buffer) => hash.update(data));
        response.on('error', reject);
        // The header counts whole seconds.
        response.on('end', () => resolve(written + 1000 > until ? undefined : hash.digest('hex')));
      });
      request.on('error', reject);
    });
  }
}
