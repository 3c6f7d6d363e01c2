import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { shortUrl } from '../errors.js';
import { httpGet, type HttpOptions } from './httpGet.js';

/** The answer of an address. */
export interface Answer {
  status: number;
  /** The server's status message. */
  reason: string;
  type: string;
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  close: () => void;
}

/** Opens an http:, https: or data: address as a browser would: follows redirects, and accepts compressed answers. */
export function openAddress(address: URL, options: HttpOptions): Promise<Answer> {
  return address.protocol === 'data:' ? readData(address) : follow(address, options);
}

async function readData(address: URL): Promise<Answer> {
  const response = await fetch(address);
  const body = [new Uint8Array(await response.arrayBuffer())];
  return { status: 200, reason: '', type: response.headers.get('content-type') ?? '', body, close: () => {} };
}

/** How many redirects browsers follow. */
const MAX_REDIRECTS = 20;

async function follow(address: URL, options: HttpOptions, followed = 0): Promise<Answer> {
  const headers = {
    accept: 'text/html,application/xhtml+xml,image/svg+xml;q=0.9,*/*;q=0.1',
    'accept-encoding': 'gzip, deflate, br',
  };
  const response = await httpGet(address, { ...options, headers });
  const { statusCode: status = 0, statusMessage: reason = '', headers: given } = response;
  if ([301, 302, 303, 307, 308].includes(status) && given.location !== undefined) {
    response.destroy();
    const next = URL.canParse(given.location, address.href) ? new URL(given.location, address.href) : undefined;
    if (!next || !/^https?:$/.test(next.protocol)) throw new Error(`it redirects to ${shortUrl(given.location)}`);
    if (followed === MAX_REDIRECTS) throw new Error(`it redirects more than ${MAX_REDIRECTS} times`);
    // Browsers keep the login within an origin.
    if (next.origin === address.origin && !next.username && !next.password) {
      ({ username: next.username, password: next.password } = address);
    }
    return follow(next, options, followed + 1);
  }
  const decoder = bodyDecoder(given['content-encoding']);
  const body = decoder ? response.pipe(decoder) : response;
  response.on('error', (error) => decoder?.destroy(error));
  // The decoder may fail before the body is read. Reading it then reports the error.
  decoder?.on('error', () => {});
  const close = () => {
    response.destroy();
    decoder?.destroy();
  };
  return { status, reason, type: given['content-type'] ?? '', body, close };
}

function bodyDecoder(encoding: string | undefined): Transform | undefined {
  const decoders = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };
  return decoders[encoding?.trim().toLowerCase() as keyof typeof decoders]?.();
}
