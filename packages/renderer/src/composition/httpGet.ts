import { lookup as lookUp } from 'node:dns';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

export interface HttpOptions {
  /** Ends the request, and the answer while it is read. */
  signal: AbortSignal;
  headers?: Record<string, string>;
  /** Whether a certificate that nobody vouches for will do. Default false. */
  ignoreHttpsErrors?: boolean | undefined;
}

/**
 * Asks for an http: or https: address, with the name and password in it where it has them, and resolves when the
 * head of the answer is there. On a connection of its own: nothing is left open for the next request. For what
 * this process reads itself; unlike `fetch` it can do without a certificate, and finds the hosts that browsers find.
 */
export function httpGet(address: URL, { signal, headers, ignoreHttpsErrors }: HttpOptions): Promise<IncomingMessage> {
  const target = new URL(address);
  const authorization = basicAuthorization(address);
  target.username = target.password = '';
  const options = {
    ...{ signal, lookup, agent: false as const, rejectUnauthorized: !ignoreHttpsErrors },
    headers: { ...headers, ...(authorization ? { authorization } : {}) },
  };
  return new Promise((resolve, reject) => {
    const get = target.protocol === 'https:' ? getHttps : getHttp;
    get(target, options, resolve).on('error', reject);
  });
}

/** What browsers make of the name and password of an address; undefined where it has none. */
export function basicAuthorization({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined;
  const login = [username, password].map(decodePercents).join(':');
  return `Basic ${Buffer.from(login).toString('base64')}`;
}

/** Takes a `%` that encodes nothing as it is. */
function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether an error says that a certificate is not to be trusted. */
export function isCertificateError(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code);
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/.test(code);
}

const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** Every name below `localhost` is this machine (RFC 6761), as it is to browsers; many systems do not know it. */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (!/\.localhost\.?$/i.test(hostname)) lookUp(hostname, options, callback);
  else if (options.all) callback(null, LOOPBACK);
  else callback(null, LOOPBACK[0]!.address, LOOPBACK[0]!.family);
};
