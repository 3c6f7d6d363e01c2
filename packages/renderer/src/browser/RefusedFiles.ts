import type { Protocol } from './Connection.js';
import { refusalIn, whyUseless } from './refusals.js';
import { failureOf, withoutFragment, type FileRequest, type NetworkFailure } from './requests.js';

/** Types of files that the browser may refuse after they have loaded. Broken pictures and fonts are found elsewhere. */
const REFUSABLE: ReadonlySet<Protocol.Network.ResourceType> = new Set(['Stylesheet', 'Script', 'TextTrack', 'Other']);

/**
 * Finds files that load and that the browser then refuses. The browser writes the refusal into its log, or the only
 * sign of it is the element that fails.
 */
export class RefusedFiles {
  /** The last request for each file, by its original and its final address. */
  readonly #requests = new Map<string, FileRequest>();
  /** The reasons for uncertain refusals, by address: something else may have requested the same file. */
  readonly #reasons = new Map<string, string>();

  constructor(readonly onFailure: (failure: NetworkFailure) => void) {}

  /** Adds a request for a file that the picture needs. */
  add(request: FileRequest): void {
    if (!REFUSABLE.has(request.type)) return;
    for (const url of [request.originalUrl, request.url]) this.#requests.set(url, request);
  }

  /** Reads an entry of the browser's log. */
  read(entry: Protocol.Log.LogEntry): void {
    const { url, reason, unrequested, isUncertain } = refusalIn(entry) ?? {};
    if (url === undefined || reason === undefined) return;
    const request = this.#requests.get(url);
    if (isUncertain) this.#reasons.set(url, reason);
    else if (unrequested)
      this.onFailure({ url, reason, type: unrequested, requestId: '', ...failureOf(undefined), isOfDocument: true });
    else if (request) this.onFailure(failed(request, reason));
  }

  /**
   * The failure of a file that has loaded but with which an element has failed; undefined if it is not certain that the
   * file was refused. A module or a style sheet also fails when one that it imports fails: so for these it is certain
   * only if the reason is known, or if nothing else of the kind has failed.
   */
  failureOf(address: string, failedKinds: ReadonlySet<Protocol.Network.ResourceType>): NetworkFailure | undefined {
    const request = this.#requests.get(withoutFragment(address));
    if (request?.contentType === undefined) return undefined;
    const reason = this.#reasons.get(request.url);
    const mayImport = request.type === 'Script' || request.type === 'Stylesheet';
    if (reason === undefined && mayImport && failedKinds.has(request.type)) return undefined;
    return failed(request, reason ?? whyUseless(request.type, request.contentType));
  }

  /** Scripts with a known reason for an uncertain refusal: if a module fails, it may have needed one of them. */
  get scripts(): string[] {
    return [...this.#reasons.keys()].filter((url) => this.#requests.get(url)?.type === 'Script');
  }
}

function failed(request: FileRequest, reason: string): NetworkFailure {
  const { url, type, requestId } = request;
  return { url, reason, type, requestId, ...failureOf(request) };
}
