import { lookup as lookUp } from 'node:dns';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

export interface HttpOptions {
  /** Aborts the request, and reading the answer. */
  signal: AbortSignal;
  headers?: Record<string, string>;
  /** Whether to accept untrusted certificates. Default false. */
  ignoreHttpsErrors?: boolean | undefined;
}

/**
 * Requests an http: or https: address, with the name and password in it if it has them. Resolves once the headers of
 * the answer have arrived. Uses a separate connection, which is not kept open for the next request. For files that this
 * process reads itself: unlike `fetch`, it can accept untrusted certificates and finds every host that browsers find.
 */
export function httpGet(address: URL, { signal, headers, ignoreHttpsErrors }: HttpOptions): Promise<IncomingMessage> {
  const target = new URL(address);
  const authorization = basicAuthorization(address);
  target.username = target.password = '';
  const options = {
    signal,
    lookup,
    agent: false as const,
    rejectUnauthorized: !ignoreHttpsErrors,
    headers: { ...headers, ...(authorization ? { authorization } : {}) },
  };
  return new Promise((resolve, reject) => {
    const get = target.protocol === 'https:' ? getHttps : getHttp;
    get(target, options, resolve).on('error', reject);
  });
}

/** The Authorization header that browsers send for the name and password in an address; undefined if it has none. */
export function basicAuthorization({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined;
  const login = [username, password].map(decodePercents).join(':');
  return `Basic ${Buffer.from(login).toString('base64')}`;
}

/** Decodes a text; leaves it unchanged if a `%` in it encodes nothing. */
function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether an error says that a certificate is not trusted. */
export function isCertificateError(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code);
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/.test(code);
}

const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Resolves every name below `localhost` to this machine (RFC 6761), as browsers do. Many systems cannot resolve them.
 */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (!/\.localhost\.?$/i.test(hostname)) lookUp(hostname, options, callback);
  else if (options.all) callback(null, LOOPBACK);
  else callback(null, LOOPBACK[0]!.address, LOOPBACK[0]!.family);
};
