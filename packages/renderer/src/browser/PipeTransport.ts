import type { Readable, Writable } from 'node:stream';
import { callUser } from '../lifecycle/callUser.js';
import { messageOf } from '../unknowns.js';
import { decodeMessage, encodeMessage, ENVELOPE_HEADER, messageLength } from './messages.js';

/** The browser sent something that is not a message of the DevTools protocol. */
export class ProtocolFault extends Error {}

/**
 * The DevTools protocol over a pair of pipes, in its binary form: unlike with JSON, the browser need not convert
 * pictures into text or keep them twice.
 */
export class PipeTransport {
  onmessage?: (message: unknown) => void;
  onclose?: () => void;
  /** The parts of the next message that have arrived. */
  readonly #parts: Buffer[] = [];
  #received = 0;
  /** How many bytes must have arrived before there is more to do. */
  #wanted = ENVELOPE_HEADER;
  /** The binary contents of messages that have not been taken yet, by name. */
  readonly #bytes = new Map<string, Buffer>();
  #namesUsed = 0;

  /**
   * `onFault` receives the errors that message listeners throw or reject with, and a ProtocolFault if the browser sends
   * something that is not a message; nothing more is read after that. Either would otherwise end this whole process.
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

  /** Returns, and removes, the binary contents that a message refers to by this name. */
  takeBytes(name: string): Buffer {
    const bytes = this.#bytes.get(name);
    if (!bytes) throw new Error(`no message has bytes with the name "${name}"`);
    this.#bytes.delete(name);
    return bytes;
  }

  /** Removes all listeners. */
  removeListeners(): void {
    delete this.onmessage;
    delete this.onclose;
    this.clear();
  }

  /** Drops the binary contents that were not taken. */
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
      if (isWhole) this.#dispatch(all.subarray(0, length));
    }
  }

  #dispatch(message: Buffer): void {
    const { onmessage } = this;
    if (!onmessage) return;
    const value = decodeMessage(message, (bytes) => this.#storeBytes(bytes));
    callUser(() => onmessage.call(this, value), this.onFault);
  }

  #storeBytes(bytes: Buffer): string {
    const name = `bytes ${this.#namesUsed++}`;
    this.#bytes.set(name, bytes);
    return name;
  }
}
