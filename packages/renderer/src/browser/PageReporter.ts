import type { CDPSession, Protocol } from 'puppeteer-core';
import { BrowserCrashError, PageError, where } from '../errors.js';
import type { JobScope } from '../lifecycle/JobScope.js';

/** Tells what the page says, and fails the scope when the page or a worker of it throws or dies. */
export class PageReporter {
  constructor(readonly scope: JobScope) {}

  /** Listens to a part of the page: its own session, that of a frame or of a worker. */
  watch(client: CDPSession): void {
    client.on('Runtime.exceptionThrown', ({ exceptionDetails }) => this.#onException(exceptionDetails));
    client.on('Runtime.consoleAPICalled', (call) => this.#onConsole(call));
    client.on('Inspector.targetCrashed', () => {
      const message = `${where(this.scope.position)}the page crashed (often: out of memory)`;
      this.scope.fail(new BrowserCrashError(message, { ...this.scope.position }, 'renderer'));
    });
  }

  #onException(details: Protocol.Runtime.ExceptionDetails): void {
    const top = details.stackTrace?.callFrames.find((frame) => frame.url !== '');
    const description = details.exception ? textOf(details.exception) : details.text;
    const error = new PageError(
      description.split('\n    at ')[0]!,
      details.text.includes('in promise') ? 'rejection' : 'exception',
      {
        url: top?.url ?? details.url,
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
    const text = call.args.map(textOf).join(' ');
    const source = call.stackTrace?.callFrames[0];
    this.scope.emit({
      type: 'page-console',
      level: call.type,
      text,
      ...(source ? { url: source.url, line: source.lineNumber + 1 } : {}),
      ...this.place(),
    });
  }

  /** The worker, and the frame where there is one, for events. */
  place(): { worker: number; frame?: number } {
    const { frame } = this.scope.position;
    return { worker: this.scope.worker, ...(frame === undefined ? {} : { frame }) };
  }
}

/** A value of the page as people would write it. */
function textOf(value: Protocol.Runtime.RemoteObject): string {
  if (value.description !== undefined) return value.description;
  return 'value' in value ? String(value.value) : value.type;
}
