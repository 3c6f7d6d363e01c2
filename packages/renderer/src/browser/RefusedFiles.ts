import type { Protocol } from './Connection.js';
import { refusalIn, whyUseless } from './refusals.js';
import { failureOf, withoutFragment, type FileRequest, type NetworkFailure } from './requests.js';

/** Files that may come and be refused then. What cannot be decoded of pictures and fonts, others find out. */
const REFUSABLE: ReadonlySet<Protocol.Network.ResourceType> = new Set(['Stylesheet', 'Script', 'TextTrack', 'Other']);

/** Knows files that come, and that the browser refuses. It tells that in its log, or only the element that fails does. */
export class RefusedFiles {
  /** The last request for each file, by the addresses that it was asked for at. */
  readonly #requests = new Map<string, FileRequest>();
  /** Why files are refused that something else may have asked for as well, by address. */
  readonly #reasons = new Map<string, string>();

  constructor(readonly onFailure: (failure: NetworkFailure) => void) {}

  /** A file is asked for that the picture needs. */
  add(request: FileRequest): void {
    if (REFUSABLE.has(request.type)) for (const url of [request.asked, request.url]) this.#requests.set(url, request);
  }

  /** Reads an entry of the log. */
  read(entry: Protocol.Log.LogEntry): void {
    const { url, reason, unasked, isUncertain } = refusalIn(entry) ?? {};
    if (url === undefined || reason === undefined) return;
    const request = this.#requests.get(url);
    if (isUncertain) this.#reasons.set(url, reason);
    else if (unasked)
      this.onFailure({ url, reason, type: unasked, requestId: '', ...failureOf(undefined), isOfDocument: true });
    else if (request) this.onFailure(failed(request, reason));
  }

  /**
   * The failure of a file that has come, where an element has failed with it. A module or a style sheet fails also
   * with every other one that it imports: that it is refused itself is certain where the reason is known, or nothing
   * else of its kind has failed.
   */
  failureOf(address: string, failedKinds: ReadonlySet<Protocol.Network.ResourceType>): NetworkFailure | undefined {
    const request = this.#requests.get(withoutFragment(address));
    if (request?.came === undefined) return undefined;
    const reason = this.#reasons.get(request.url);
    const mayImport = request.type === 'Script' || request.type === 'Stylesheet';
    if (reason === undefined && mayImport && failedKinds.has(request.type)) return undefined;
    return failed(request, reason ?? whyUseless(request.type, request.came));
  }

  /** Scripts of which it is known why they are refused: what fails may be a module that needs one of them. */
  get scripts(): string[] {
    return [...this.#reasons.keys()].filter((url) => this.#requests.get(url)?.type === 'Script');
  }
}

function failed(request: FileRequest, reason: string): NetworkFailure {
  const { url, type, requestId } = request;
  return { url, reason, type, requestId, ...failureOf(request) };
}
