import type { Readable, Writable } from 'node:stream';
import { callUser } from '../lifecycle/callUser.js';
import { messageOf } from '../unknowns.js';
import { decodeMessage, encodeMessage, ENVELOPE_HEADER, messageLength } from './messages.js';

/** What has come from a browser is not its protocol. */
export class ProtocolFault extends Error {}

/**
 * The DevTools protocol over a pair of pipes, in its binary form: the browser neither turns its pictures into text
 * nor keeps them twice.
 */
export class PipeTransport {
  onmessage?: (message: unknown) => void;
  onclose?: () => void;
  /** What has come of the next message. */
  readonly #parts: Buffer[] = [];
  #received = 0;
  /** How much there must be before there is more to do. */
  #wanted = ENVELOPE_HEADER;
  readonly #bytes = new Map<string, Buffer>();
  #taken = 0;

  /**
   * `onFault` is told what a listener of a message throws or rejects with, and that something has come which is no
   * message: nothing is heard after that. Both would otherwise end this whole process.
   */
  constructor(
    readonly toBrowser: Writable,
    fromBrowser: Readable,
    readonly onFault: (error: unknown) => void,
  ) {
    const receive = (data: Buffer) => {
      try {
        this.#receive(data);
      } catch (error) {
        fromBrowser.off('data', receive).resume();
        onFault(new ProtocolFault(messageOf(error)));
      }
    };
    fromBrowser.on('data', receive);
    fromBrowser.once('close', () => this.onclose?.());
  }

  send(message: object): void {
    this.toBrowser.write(encodeMessage(message));
  }

  /** The bytes that a message has by this name. Only once. */
  take(name: string): Buffer {
    const bytes = this.#bytes.get(name);
    if (!bytes) throw new Error(`no message has had bytes by the name of "${name}"`);
    this.#bytes.delete(name);
    return bytes;
  }

  /** Nobody is to hear of it any more. */
  silence(): void {
    delete this.onmessage;
    delete this.onclose;
    this.clear();
  }

  /** Forgets the bytes that nobody has taken. */
  clear(): void {
    this.#bytes.clear();
  }

  #receive(data: Buffer): void {
    this.#parts.push(data);
    this.#received += data.length;
    while (this.#received >= this.#wanted) {
      const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
      const length = messageLength(all);
      const isWhole = all.length >= length;
      const rest = isWhole ? all.subarray(length) : all;
      this.#parts.splice(0, Infinity, rest);
      this.#received = rest.length;
      this.#wanted = isWhole ? ENVELOPE_HEADER : length;
      if (isWhole) this.#tell(all.subarray(0, length));
    }
  }

  #tell(message: Buffer): void {
    const { onmessage } = this;
    if (!onmessage) return;
    const value = decodeMessage(message, (bytes) => this.#keep(bytes));
    callUser(() => onmessage.call(this, value), this.onFault);
  }

  #keep(bytes: Buffer): string {
    const name = `bytes ${this.#taken++}`;
    this.#bytes.set(name, bytes);
    return name;
  }
}
