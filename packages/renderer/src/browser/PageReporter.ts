import type { CDPSession, Protocol } from './Connection.js';
import { BrowserCrashError, PageError, positionPrefix } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { PartKind } from './PageTargets.js';
import { truncate, redactAndTruncate, withoutPassword } from '../redact.js';

/**
 * The maximum lengths of messages, in characters, and number of values. A page can throw or log megabytes in each
 * frame.
 */
const MAX_THROWN = 4000;
const MAX_MESSAGE = 20_000;
const MAX_VALUES = 100;
const MAX_ADDRESS = 2000;

/**
 * The browser's messages about a file that a script requested and that failed to load. For fonts they name no address.
 */
const FAILED_LOAD = /dynamically imported module|worklet module script|^NetworkError: A network error occurred/;

/** Reports what the page logs, and fails the scope when the page or one of its workers throws or crashes. */
export class PageReporter {
  /** Called with the message of a failed `import()`, or `load()` of a font, that the page does not handle. */
  onFailedLoad: (message: string) => void = () => {};

  constructor(readonly scope: JobScope) {}

  /** Listens to a part of the page: its own session, that of a frame or of a worker. */
  watch(client: CDPSession, kind: PartKind): void {
    client.on('Runtime.exceptionThrown', ({ exceptionDetails }) => this.#onException(exceptionDetails));
    client.on('Runtime.consoleAPICalled', (call) => this.#onConsole(call));
    // A shared worker that ends with its last document emits this event, too. A real crash of it also ends the page.
    if (kind === 'shared_worker') return;
    client.on('Inspector.targetCrashed', () => {
      const message = `${positionPrefix(this.scope.position)}the page crashed (often: out of memory)`;
      this.scope.fail(new BrowserCrashError(message, { ...this.scope.position }, 'renderer'));
    });
  }

  #onException(details: Protocol.Runtime.ExceptionDetails): void {
    const top = details.stackTrace?.callFrames.find((frame) => frame.url !== '');
    const description = details.exception ? textOf(details.exception) : details.text;
    if (FAILED_LOAD.test(description)) this.onFailedLoad(description);
    const error = new PageError(
      redactAndTruncate(description.split('\n    at ', 1)[0]!, MAX_THROWN),
      details.text.includes('in promise') ? 'rejection' : 'exception',
      {
        url: shortAddress(top?.url ?? details.url),
        // The protocol counts lines and columns from 0, people from 1.
        line: (top?.lineNumber ?? details.lineNumber) + 1,
        column: (top?.columnNumber ?? details.columnNumber) + 1,
      },
      { ...this.scope.position },
    );
    this.scope.emit({ type: 'page-error', error, ...this.place() });
    this.scope.fail(error);
  }

  #onConsole(call: Protocol.Runtime.ConsoleAPICalledEvent): void {
    const text = truncate(call.args.slice(0, MAX_VALUES).map(quoted).join(' '), MAX_MESSAGE);
    const source = call.stackTrace?.callFrames[0];
    this.scope.emit({
      type: 'page-console',
      level: call.type,
      text,
      ...(source ? { url: shortAddress(source.url)!, line: source.lineNumber + 1 } : {}),
      ...this.place(),
    });
  }

  /** The worker, and the frame if there is one, for events. */
  place(): { worker: number; frame?: number } {
    const { frame } = this.scope.position;
    return { worker: this.scope.worker, ...(frame === undefined ? {} : { frame }) };
  }
}

/** A value of the page as text. */
function textOf(value: Protocol.Runtime.RemoteObject): string {
  return value.description ?? ('value' in value ? String(value.value) : value.type);
}

function quoted(value: Protocol.Runtime.RemoteObject): string {
  return redactAndTruncate(textOf(value), MAX_MESSAGE);
}

function shortAddress(url: string | undefined): string | undefined {
  return url === undefined ? undefined : truncate(withoutPassword(url), MAX_ADDRESS);
}
