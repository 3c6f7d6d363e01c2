import type { CDPSession, Protocol } from './Connection.js';

/** A request, or the answer to one, that the browser holds until it is told to go on. */
export type Paused = Protocol.Fetch.RequestPausedEvent;

/** A request whose answer comes in its turn. */
export interface OrderedRequest {
  client: CDPSession;
  frameId: string;
  type: Protocol.Network.ResourceType;
  /** What is asked for is all that there will be in its process. Until then nobody there can be asked whether it is at rest. */
  isRoot: boolean;
  url: string;
  since: number;
  /** The name of its answer, once that is there and is held back. */
  answer: string | undefined;
  released: boolean;
  networkId: string | undefined;
  /** How long the answer is, is known: it has an end. */
  hasLength: boolean;
  /** The page may get the answer only when all of it has come and been checked. */
  isVerified: boolean;
  /** It has been waited for long enough. */
  late: boolean;
}

/** Requests that go on for as long as they like, or that nothing on the page depends on. */
const UNORDERED: ReadonlySet<string> = new Set([
  ...['Media', 'TextTrack', 'EventSource', 'WebSocket', 'Ping', 'Prefetch', 'Preflight', 'CSPViolationReport'],
  ...['SignedExchange', 'Manifest'],
]);
/** Answers that have no end. */
const ENDLESS = /^(text\/event-stream|multipart\/x-mixed-replace)\b/i;

/** What the addresses of our own requests in a page end in. It stays in the browser. */
export const OWN_REQUEST = '#genlock-own';

/** Whether the answer to this request is to come in its turn. */
export function isToBeOrdered({ request, resourceType }: Paused): boolean {
  const { headers, initialPriority, urlFragment } = request;
  if (urlFragment === OWN_REQUEST) return false;
  if (UNORDERED.has(resourceType) || ENDLESS.test(headers['Accept'] ?? '')) return false;
  // Nothing else happens in a thread that waits for its answer: `importScripts`, XMLHttpRequest without `async`.
  if (initialPriority === 'VeryHigh' && (resourceType === 'XHR' || resourceType === 'Script')) return false;
  return !isAhead(headers);
}

/** Files whose end the browser tells by itself, whoever reads them. */
const READ: ReadonlySet<string | undefined> = new Set(['Image', 'Script', 'Stylesheet', 'Font']);

/** Whether a request is for a file that the browser has already. */
export function isLocal(url: string, type: Protocol.Network.ResourceType | undefined): boolean {
  return /^(blob|data):/.test(url) && READ.has(type);
}

/** Whether a request is made for a later page. */
export function isAhead(headers: Protocol.Network.Headers): boolean {
  return /^prefetch/.test(headers['Sec-Purpose'] ?? headers['Purpose'] ?? '');
}

/** What the answer says of its length, if anything. */
export function lengthOf(paused: Paused): string | undefined {
  return headerOf(paused, 'content-length');
}

function headerOf({ responseHeaders = [] }: Paused, wanted: string): string | undefined {
  return responseHeaders.find(({ name }) => name.toLowerCase() === wanted)?.value;
}

/** Whether the answer is that the file is elsewhere: the page does not see it. */
export function isRedirect(paused: Paused): boolean {
  const { responseStatusCode = 0 } = paused;
  const isMoved = responseStatusCode >= 300 && responseStatusCode < 400 && responseStatusCode !== 304;
  return isMoved && headerOf(paused, 'location') !== undefined;
}

/** Whether this answer is to wait for its turn. */
export function isToBeHeld(paused: Paused): boolean {
  return !isRedirect(paused) && !ENDLESS.test(headerOf(paused, 'content-type') ?? '');
}
