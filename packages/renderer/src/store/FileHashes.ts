import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { httpGet } from '../httpGet.js';
import { splitLogin, type Login } from '../redact.js';

/** A file that a page was made from. `address` is below the composition's origin where it can be: `/style.css`. */
export interface FileHash {
  address: string;
  /** SHA-256 of what the address answers. */
  sha256: string;
}

/** Hosts whose port says nothing: a folder is served at another one in each render. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
/** The name under which the command line serves a folder: another one in each render. */
const SERVED = /^genlock-[0-9a-f]{32}\.localhost$/;

/** The composition's address as it is the same in every render. */
export function stableAddress(url: string): string {
  const { protocol, hostname, pathname, search, href } = new URL(url);
  if (SERVED.test(hostname)) return `${protocol}//localhost${pathname}${search}`;
  return LOOPBACK.includes(hostname) ? `${protocol}//${hostname}${pathname}${search}` : href;
}

/**
 * What the files of a page hold, during one render. A file that changes after the render has begun is
 * told apart: what was drawn from it belongs to no version of it.
 */
export class FileHashes {
  readonly #first = new Map<string, Promise<string | undefined>>();
  readonly #origin: string;
  /** What the composition's own server wants to know. The addresses of files do not have it. */
  readonly #login: Login | undefined;

  constructor(
    compositionUrl: string,
    readonly signal: AbortSignal,
    readonly ignoreHttpsErrors = false,
    readonly startedAt = Date.now(),
  ) {
    const { origin } = new URL(compositionUrl);
    this.#origin = origin === 'null' ? 'file://' : origin;
    this.#login = splitLogin(compositionUrl).login;
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
    const { signal, ignoreHttpsErrors } = this;
    const address = new URL(url);
    if (this.#login?.origin === address.origin) {
      ({ username: address.username, password: address.password } = this.#login);
    }
    const response = await httpGet(address, { signal, ignoreHttpsErrors });
    // The browser was let in by what we do not have: what we are told is not what it has read.
    if (response.statusCode === 401 || response.statusCode === 407) {
      response.destroy();
      return undefined;
    }
    const written = Date.parse(response.headers['last-modified'] ?? '');
    hash.update(`${response.statusCode} `);
    for await (const data of response) hash.update(data as Buffer);
    // The header counts whole seconds.
    return written + 1000 > until ? undefined : hash.digest('hex');
  }
}
