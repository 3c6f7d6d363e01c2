import type { Readable, Writable } from 'node:stream';
import type { ConnectionTransport } from 'puppeteer-core';

/** The DevTools protocol over a pair of pipes: JSON messages that end with a zero byte. */
export class PipeTransport implements ConnectionTransport {
  onmessage?: (message: string) => void;
  onclose?: () => void;
  readonly #parts: Buffer[] = [];

  constructor(
    readonly toBrowser: Writable,
    fromBrowser: Readable,
  ) {
    fromBrowser.on('data', (data: Buffer) => this.#receive(data));
    fromBrowser.once('close', () => this.onclose?.());
  }

  send(message: string): void {
    this.toBrowser.write(`${message}\0`);
  }

  /** The pipes belong to the process, which is killed, not asked. */
  close(): void {}

  /** Nobody is to hear of it any more, until somebody listens again. */
  silence(): void {
    delete this.onmessage;
    delete this.onclose;
  }

  #receive(data: Buffer): void {
    let start = 0;
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, start)) {
      this.#parts.push(data.subarray(start, end));
      const message = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
      this.#parts.length = 0;
      start = end + 1;
      this.onmessage?.(message.toString('utf8'));
    }
    if (start < data.length) this.#parts.push(data.subarray(start));
  }
}
