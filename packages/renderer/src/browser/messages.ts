import { decode, encode, Token, Tokenizer, Type, type EncodeOptions } from 'cborg';

/*
 * Messages of the DevTools protocol in its binary form: CBOR (RFC 8949) in which every map and every list has
 * indefinite length and is wrapped in an envelope, byte strings are UTF-16 text unless they are marked as binary, and
 * integers have 32 bits (Chromium: third_party/inspector_protocol/crdtp/cbor.h).
 */

/** The tag of an envelope, which is a byte string that contains CBOR (RFC 8949, 3.4.5.1). */
const ENVELOPE = 24;
/** The start of an envelope: its tag, and the type of a four-byte length. Chromium crashes on shorter lengths. */
const ENVELOPE_START = Buffer.of(0xd8, ENVELOPE, 0x5a);
export const ENVELOPE_HEADER = ENVELOPE_START.length + 4;
/** The tag, as a byte, that marks a byte string as binary: "expected conversion to base64" (RFC 8949, 3.4.5.2). */
const BINARY = 0xd6;
const MAP = Uint8Array.of(0xbf);
const LIST = Uint8Array.of(0x9f);
const BREAK = Uint8Array.of(0xff);

/**
 * The length of the message that begins here, with its header, which is all that there must be of it. Throws where none
 * begins.
 */
export function messageLength(data: Buffer): number {
  if (!data.subarray(0, ENVELOPE_START.length).equals(ENVELOPE_START)) throw new Error('no message begins here');
  return ENVELOPE_HEADER + data.readUInt32BE(ENVELOPE_START.length);
}

/** Numbers that are not 32-bit integers are encoded as 64-bit floats. */
const SCALARS: EncodeOptions = {
  float64: true,
  typeEncoders: { number: (value: number) => (value === (value | 0) ? null : new Token(Type.float, value)) },
};

/** Encodes a message, or a part of one. */
export function encodeMessage(value: unknown): Uint8Array {
  if (Array.isArray(value)) return envelope(LIST, value.map(encodeMessage));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    return envelope(MAP, entries.flat().map(encodeMessage));
  }
  return encode(value, SCALARS);
}

function envelope(start: Uint8Array, parts: Uint8Array[]): Buffer {
  const header = Buffer.alloc(ENVELOPE_HEADER);
  ENVELOPE_START.copy(header);
  const content = [start, ...parts, BREAK];
  header.writeUInt32BE(
    content.reduce((sum, { length }) => sum + length, 0),
    ENVELOPE_START.length,
  );
  return Buffer.concat([header, ...content]);
}

/**
 * Decodes a message. Binary contents are not copied: `keep` receives them, and returns a name to put in their place.
 */
export function decodeMessage(message: Buffer, keep: (bytes: Buffer) => string): unknown {
  return decode(message, { tokenizer: new MessageTokenizer(message, keep) });
}

class MessageTokenizer extends Tokenizer {
  constructor(
    readonly message: Buffer,
    readonly keep: (bytes: Buffer) => string,
  ) {
    super(message);
  }

  override next(): Token {
    const { message } = this;
    while (message[this._pos] === ENVELOPE_START[0] && message[this._pos + 1] === ENVELOPE)
      this._pos += ENVELOPE_HEADER;
    const isBinary = message[this._pos] === BINARY;
    if (isBinary) this._pos++;
    const initial = message[this._pos]!;
    if (initial >> 5 !== Type.bytes.major) return super.next();
    const bytes = this.#bytes(initial & 31);
    return new Token(Type.string, isBinary ? this.keep(bytes) : bytes.toString('utf16le'));
  }

  /** Reads the byte string at the current position. `short` is its length, or says how many bytes the length has. */
  #bytes(short: number): Buffer {
    const width = short < 24 ? 0 : 1 << (short - 24);
    const length = width === 0 ? short : this.message.readUIntBE(this._pos + 1, width);
    const start = this._pos + 1 + width;
    this._pos = start + length;
    return this.message.subarray(start, this._pos);
  }
}
