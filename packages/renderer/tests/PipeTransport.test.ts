import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { PipeTransport, ProtocolFault } from '../src/browser/PipeTransport.js';

/** An envelope as the browser makes it: its length in four bytes. */
function envelope(...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const header = Buffer.of(0xd8, 0x18, 0x5a, 0, 0, 0, 0);
  header.writeUInt32BE(content.length, 3);
  return Buffer.concat([header, content]);
}

const bytes = (...values: number[]) => Buffer.of(...values);
const text = (value: string) => Buffer.concat([bytes(0x60 + value.length), Buffer.from(value)]);
const [MAP, LIST, BREAK] = [bytes(0xbf), bytes(0x9f), bytes(0xff)];

/** `{ id: 1, result: { "→": [-2, 0.5, true, null], data: <300 bytes> } }` */
const picture = Buffer.alloc(300, 7);
const message = envelope(
  ...[MAP, text('id'), bytes(1), text('result')],
  envelope(
    ...[MAP, bytes(0x42), Buffer.from('→', 'utf16le')],
    envelope(LIST, bytes(0x21), bytes(0xfb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0), bytes(0xf5, 0xf6), BREAK),
    ...[text('data'), bytes(0xd6, 0x59, 300 >> 8, 300 & 255), picture, BREAK],
  ),
  BREAK,
);

function open() {
  const [toBrowser, fromBrowser] = [new PassThrough(), new PassThrough()];
  const faults: unknown[] = [];
  const transport = new PipeTransport(toBrowser, fromBrowser, (error) => faults.push(error));
  const messages: { id: number; result: { '→': unknown; data: string } }[] = [];
  transport.onmessage = (message) => messages.push(message as (typeof messages)[number]);
  return { transport, toBrowser, fromBrowser, messages, faults };
}

/** Writes all, in pieces of this size, and waits until it has been read. */
async function write(stream: PassThrough, data: Buffer, size: number): Promise<void> {
  for (let at = 0; at < data.length; at += size) {
    await new Promise<void>((resolve) => stream.write(data.subarray(at, at + size), () => resolve()));
  }
  await new Promise((resolve) => setImmediate(resolve));
}

for (const size of [1, 5, 64, message.length, 2 * message.length + 3, 10_000]) {
  test(`messages are whole, whatever pieces they come in: ${size} bytes`, async () => {
    const { transport, fromBrowser, messages } = open();
    await write(fromBrowser, Buffer.concat([message, message, message]), size);
    assert.equal(messages.length, 3);
    for (const { id, result } of messages) {
      assert.equal(id, 1);
      assert.deepEqual(result['→'], [-2, 0.5, true, null]);
      assert.deepEqual(transport.takeBytes(result.data), picture);
    }
  });
}

test('bytes are given once, and not after silence', async () => {
  const { transport, fromBrowser, messages } = open();
  await write(fromBrowser, Buffer.concat([message, message]), message.length);
  const [first, second] = messages.map(({ result }) => result.data);
  transport.takeBytes(first!);
  assert.throws(() => transport.takeBytes(first!), /no message has bytes with the name "bytes 0"/);
  transport.removeListeners();
  assert.throws(() => transport.takeBytes(second!), /bytes 1/);
  await write(fromBrowser, message, message.length);
  assert.equal(messages.length, 2);
});

test('what is sent are maps and lists without a length, in envelopes, numbers of 32 bits and floats of 64', () => {
  const { transport, toBrowser } = open();
  transport.send({ id: 70000, params: { list: [1.5, 3e9, -1], on: false, url: 'ä' } });
  const float = (value: number) => {
    const buffer = Buffer.of(0xfb, 0, 0, 0, 0, 0, 0, 0, 0);
    buffer.writeDoubleBE(value, 1);
    return buffer;
  };
  const params = [
    ...[MAP, text('list'), envelope(LIST, float(1.5), float(3e9), bytes(0x20), BREAK)],
    ...[text('on'), bytes(0xf4), text('url'), bytes(0x62, 0xc3, 0xa4), BREAK],
  ];
  const expected = envelope(
    ...[MAP, text('id'), bytes(0x1a, 0, 1, 0x11, 0x70), text('params'), envelope(...params), BREAK],
  );
  assert.deepEqual(toBrowser.read(), expected);
});

test('what a listener throws, or rejects with, is told, and ends nothing', async () => {
  const { transport, fromBrowser, faults } = open();
  const thrown = [new Error('thrown'), new Error('rejected')];
  const listeners = [
    () => {
      throw thrown[0]!;
    },
    () => Promise.reject(thrown[1]!),
    () => {},
  ];
  for (const listener of listeners) {
    transport.onmessage = listener;
    await write(fromBrowser, message, 1000);
  }
  assert.deepEqual(faults, thrown);
});

for (const [name, data] of [
  ['text', Buffer.from('Usage: chromium [page]')],
  ['zeros', Buffer.alloc(100_000)],
  ['an envelope around nonsense', envelope(Buffer.alloc(50, 0xff))],
  ['an envelope around nothing', envelope()],
] as const) {
  test(`${name} instead of a message is told once, and nothing is heard after it`, async () => {
    const { fromBrowser, faults, messages } = open();
    await write(fromBrowser, Buffer.concat([message, data, data, message]), 64);
    await write(fromBrowser, message, 1000);
    assert.equal(messages.length, 1);
    assert.equal(faults.length, 1);
    assert.ok(faults[0] instanceof ProtocolFault);
  });
}
