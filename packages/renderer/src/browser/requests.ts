import type { Protocol } from './Connection.js';

export interface NetworkFailure {
  url: string;
  /** HTTP status, the browser's network error, or why it has refused the file. */
  reason: number | string;
  type: Protocol.Network.ResourceType;
  requestId: string;
  /** It has come, as a style sheet of a wrong type: a document without a doctype may take it all the same. */
  isOfWrongType?: boolean;
  /** It was asked for by a `<link rel="preload">`, which may be all that wants it. */
  isPreload: boolean;
  /** A document wants it, not a worker. */
  isOfDocument: boolean;
  /** What `import()` was called with, of a script that is a part of that: the page may handle that it is missing. */
  importRoot: string | undefined;
}

/** A request that is under way, or was. */
export interface FileRequest {
  requestId: string;
  url: string;
  /** What was asked for first. */
  asked: string;
  /** The type that what has come says it has. */
  came?: string;
  type: Protocol.Network.ResourceType;
  /** The frame and the document in it that need the file; none for workers. */
  frameId: string | undefined;
  loaderId: string;
  isPreload: boolean;
  /** It is for a later page. */
  isAhead: boolean;
  /** What was asked for first, if it is the script of a worker. */
  worker: string | undefined;
  /** As in a failure. */
  importRoot: string | undefined;
}

/** The address of the file itself: what follows `#` names a part of it. */
export function withoutFragment(address: string): string {
  return address.replace(/#.*$/s, '');
}

/** What a failure says of the request; the browser may refuse a file without a request. */
export function failureOf(
  request: FileRequest | undefined,
): Pick<NetworkFailure, 'isPreload' | 'isOfDocument' | 'importRoot'> {
  const { isPreload = false, importRoot } = request ?? {};
  return { isPreload, isOfDocument: request?.frameId !== undefined, importRoot };
}
