import type { CDPSession, Protocol } from './Connection.js';

/** A request, or the answer to one, that the browser holds back until we let it continue. */
export type Paused = Protocol.Fetch.RequestPausedEvent;

/** A request whose answer is delivered in a fixed order. */
export interface OrderedRequest {
  client: CDPSession;
  frameId: string;
  type: Protocol.Network.ResourceType;
  /**
   * It is for the first document in its process. Until that is there, nothing in the process can say whether it is at
   * rest.
   */
  isRoot: boolean;
  url: string;
  /** The time, of `performance.now()`, from which its patience is counted. */
  since: number;
  /** The id of its answer, once that has arrived and is held back. */
  answer: string | undefined;
  /** Whether the answer was released to the page. */
  released: boolean;
  /** The id that the events of `Network` have for it. */
  networkId: string | undefined;
  /** Whether the answer states its length, so that it is known to end. */
  hasLength: boolean;
  /** Whether the browser gives the page the answer only after all of it has arrived and been checked (`integrity`). */
  isVerified: boolean;
  /** Whether it has had its time: requests after it no longer wait for it. */
  late: boolean;
}

/** Types of requests that may go on indefinitely, or that nothing on the page depends on. */
const UNORDERED: ReadonlySet<string> = new Set([
  ...['Media', 'TextTrack', 'EventSource', 'WebSocket', 'Ping', 'Prefetch', 'Preflight', 'CSPViolationReport'],
  ...['SignedExchange', 'Manifest'],
]);
/** Content types of answers that do not end. */
const ENDLESS = /^(text\/event-stream|multipart\/x-mixed-replace)\b/i;

/** The fragment of the addresses that our own scripts request in a page. The browser does not send it to the server. */
export const OWN_REQUEST = '#genlock-own';

/** Whether the answer to this request is delivered in order. */
export function isToBeOrdered({ request, resourceType }: Paused): boolean {
  const { headers, initialPriority, urlFragment } = request;
  if (urlFragment === OWN_REQUEST) return false;
  if (UNORDERED.has(resourceType) || ENDLESS.test(headers['Accept'] ?? '')) return false;
  // The thread is blocked until it has the answer: `importScripts`, synchronous XMLHttpRequest.
  if (initialPriority === 'VeryHigh' && (resourceType === 'XHR' || resourceType === 'Script')) return false;
  return !isPrefetch(headers);
}

/** Types of files that the browser itself reads to the end. */
const READ: ReadonlySet<string | undefined> = new Set(['Image', 'Script', 'Stylesheet', 'Font']);

/** Whether a request is for a file that is already in the browser. */
export function isLocal(url: string, type: Protocol.Network.ResourceType | undefined): boolean {
  return /^(blob|data):/.test(url) && READ.has(type);
}

/** Whether a request is a prefetch for a later page. */
export function isPrefetch(headers: Protocol.Network.Headers): boolean {
  return /^prefetch/.test(headers['Sec-Purpose'] ?? headers['Purpose'] ?? '');
}

/** The length that the answer states, if any. */
export function lengthOf(paused: Paused): string | undefined {
  return headerOf(paused, 'content-length');
}

function headerOf({ responseHeaders = [] }: Paused, wanted: string): string | undefined {
  return responseHeaders.find(({ name }) => name.toLowerCase() === wanted)?.value;
}

/** Whether the answer is a redirect, which the page does not see. */
export function isRedirect(paused: Paused): boolean {
  const { responseStatusCode = 0 } = paused;
  const isMoved = responseStatusCode >= 300 && responseStatusCode < 400 && responseStatusCode !== 304;
  return isMoved && headerOf(paused, 'location') !== undefined;
}

/** Whether this answer is held back until its turn. */
export function isToBeHeld(paused: Paused): boolean {
  return !isRedirect(paused) && !ENDLESS.test(headerOf(paused, 'content-type') ?? '');
}
