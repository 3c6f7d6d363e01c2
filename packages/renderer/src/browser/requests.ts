import type { Protocol } from './Connection.js';

export interface NetworkFailure {
  url: string;
  /** HTTP status, the browser's network error, or why the browser refused the file. */
  reason: number | string;
  type: Protocol.Network.ResourceType;
  requestId: string;
  /** It is a style sheet that loaded with a wrong type, which a document without a doctype may accept. */
  isOfWrongType?: boolean;
  /** It was requested by a `<link rel="preload">`, and possibly by nothing else. */
  isPreload: boolean;
  /** It was requested by a document, not by a worker. */
  isOfDocument: boolean;
  /** For a script that `import()` led to: the address that was imported. The page may handle the failure. */
  importRoot: string | undefined;
}

/** A request for a file, under way or completed. */
export interface FileRequest {
  requestId: string;
  url: string;
  /** The address of the first request, before redirects. */
  originalUrl: string;
  /** The type that the answer states, once there is one. */
  contentType?: string;
  type: Protocol.Network.ResourceType;
  /** The frame, and the document in it, that requested the file; none for workers. */
  frameId: string | undefined;
  loaderId: string;
  isPreload: boolean;
  /** It is a prefetch for a later page. */
  isPrefetch: boolean;
  /** The address of the first request, if it is for the script of a worker. */
  workerUrl: string | undefined;
  /** As in `NetworkFailure`. */
  importRoot: string | undefined;
}

/** The address of the file itself, without the fragment (`#…`), which names a part of it. */
export function withoutFragment(address: string): string {
  return address.replace(/#.*$/s, '');
}

/** The fields of a failure that come from its request. There is none if the browser refused to make one. */
export function failureOf(
  request: FileRequest | undefined,
): Pick<NetworkFailure, 'isPreload' | 'isOfDocument' | 'importRoot'> {
  const { isPreload = false, importRoot } = request ?? {};
  return { isPreload, isOfDocument: request?.frameId !== undefined, importRoot };
}
