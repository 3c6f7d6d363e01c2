import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { httpGet } from '../composition/httpGet.js';
import { linkAbort, underDeadline } from '../lifecycle/abort.js';
import { splitLogin, type Login } from '../redact.js';
import { hashFile } from './files.js';

/** A file of a page. `address` is relative to the composition's origin if possible: `/style.css`. */
export interface FileHash {
  address: string;
  /** SHA-256 of the response. */
  sha256: string;
}

/** Hosts whose port is ignored, because a folder is served on a different port in each render. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
/** The host name under which the command line serves a folder, which differs in each render. */
const SERVED = /^genlock-[0-9a-f]{32}\.localhost$/;

/** The composition's address without the parts that differ from render to render. */
export function stableAddress(url: string): string {
  const { protocol, hostname, pathname, search, href } = new URL(url);
  if (SERVED.test(hostname)) return `${protocol}//localhost${pathname}${search}`;
  return LOOPBACK.includes(hostname) ? `${protocol}//${hostname}${pathname}${search}` : href;
}

export interface FileReading {
  signal: AbortSignal;
  /** How long reading one address may take, in milliseconds. After that it counts as unreadable. */
  deadlineMs: number;
  /** Default false. */
  ignoreHttpsErrors?: boolean;
}

/**
 * Hashes of a page's files during one render. Detects files that change after the render has begun, because frames
 * drawn from them belong to no single version. Disposing stops all reading.
 */
export class FileHashes implements AsyncDisposable {
  readonly #first = new Map<string, Promise<string | undefined>>();
  readonly #reading = new Set<Promise<unknown>>();
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  readonly #origin: string;
  /** User and password of the composition's own server, which the addresses of files do not contain. */
  readonly #login: Login | undefined;
  readonly #deadlineMs: number;
  readonly #ignoreHttpsErrors: boolean;

  constructor(
    compositionUrl: string,
    { signal, deadlineMs, ignoreHttpsErrors = false }: FileReading,
    readonly startedAt = Date.now(),
  ) {
    this.#deadlineMs = deadlineMs;
    this.#ignoreHttpsErrors = ignoreHttpsErrors;
    // Each address that is being read adds a listener. There may be many, without a leak.
    setMaxListeners(0, this.#controller.signal);
    this.#unlink = linkAbort(signal, this.#controller);
    const { origin } = new URL(compositionUrl);
    this.#origin = origin === 'null' ? 'file://' : origin;
    this.#login = splitLogin(compositionUrl).login;
  }

  /** Begins to hash these files as they are now. */
  track(urls: Iterable<string>): void {
    for (const url of urls) if (!this.#first.has(url)) this.#first.set(url, this.#read(url, this.startedAt));
  }

  /** The files' hashes. Undefined if a file has changed since it was tracked, or cannot be read. */
  async unchanged(urls: Iterable<string>): Promise<FileHash[] | undefined> {
    const all = [...urls].sort();
    this.track(all);
    const first = await Promise.all(all.map(async (url) => this.#first.get(url)));
    if (first.includes(undefined)) return undefined;
    const now = await Promise.all(all.map((url) => this.#read(url, this.startedAt)));
    if (now.some((sha256, index) => sha256 !== first[index])) return undefined;
    return all.map((url, index) => ({ address: this.#short(url), sha256: first[index]! }));
  }

  /** Whether every file still has its recorded hash. */
  async match(files: readonly FileHash[]): Promise<boolean> {
    const all = await Promise.all(
      files.map(async ({ address, sha256 }) => {
        const url = address.startsWith('/') ? this.#origin + address : address;
        let first = this.#first.get(url);
        if (!first) this.#first.set(url, (first = this.#read(url, Infinity)));
        return (await first) === sha256;
      }),
    );
    return all.every(Boolean);
  }

  /** Stops reading. Resolves when nothing is being read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    this.#unlink();
    await Promise.all(this.#reading);
  }

  #short(url: string): string {
    return url.startsWith(`${this.#origin}/`) ? url.slice(this.#origin.length) : url;
  }

  /**
   * The hash of the response of an address. Undefined if the file was modified after `until` (ms since 1970) or
   * cannot be read. Never rejects.
   */
  #read(url: string, until: number): Promise<string | undefined> {
    const late = () => new Error(`${url} did not end`);
    const hash = (signal: AbortSignal) =>
      url.startsWith('file:') ? hashOfFile(fileURLToPath(url), until, signal) : this.#hashOfAnswer(url, until, signal);
    const reading = underDeadline(this.#controller.signal, this.#deadlineMs, late, hash).catch(() => undefined);
    this.#reading.add(reading);
    void reading.then(() => this.#reading.delete(reading));
    return reading;
  }

  /** Includes the status and the redirect target, which can make a different page of the same bytes. */
  async #hashOfAnswer(url: string, until: number, signal: AbortSignal): Promise<string | undefined> {
    const address = new URL(url);
    if (this.#login?.origin === address.origin) {
      ({ username: address.username, password: address.password } = this.#login);
    }
    const response = await httpGet(address, { signal, ignoreHttpsErrors: this.#ignoreHttpsErrors });
    // The browser has logged in with credentials that we lack, so our response is not what the browser has read.
    if (response.statusCode === 401 || response.statusCode === 407) {
      response.destroy();
      return undefined;
    }
    const hash = createHash('sha256').update(`${response.statusCode} ${response.headers.location ?? ''} `);
    await pipeline(response, hash, { signal });
    const written = Date.parse(response.headers['last-modified'] ?? '');
    // The header has a resolution of one second.
    return written + 1000 > until ? undefined : hash.digest('hex');
  }
}

async function hashOfFile(path: string, until: number, signal: AbortSignal): Promise<string | undefined> {
  return (await stat(path)).mtimeMs >= until ? undefined : hashFile(path, signal);
}
