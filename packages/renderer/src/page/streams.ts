import type { Control } from './control.js';
import type { Relay, StreamSource } from './streamTypes.js';

/**
 * Data from the network, from files and from the browser's own transforms arrives in real time: the clock waits for
 * reads of it. A stream that the page feeds itself may be waiting for a later frame, so the clock does not wait for it.
 */
export function installStreams(control: Control): void {
  /** A body without a stated length counts as endless when nothing has arrived for this long, in milliseconds. */
  const PATIENCE_MS = 3000;

  type Methods = Record<string, ((...args: unknown[]) => unknown) | undefined>;
  type Reader = ReadableStreamDefaultReader<unknown> | ReadableStreamBYOBReader;
  const FINITE: StreamSource = { hasUnknownLength: false, isEndless: false };
  /** The output of a browser's transform that reads a finite stream. */
  const TRANSFORMED: StreamSource = { ...FINITE };
  /** Our own readers that feed a browser's transform: reads of its output are what the page waits for, not these. */
  const unordered = new WeakSet<Reader>();
  /** The sources of streams that the page does not feed itself, and of their readers. */
  const sources = new WeakMap<ReadableStream, StreamSource>();
  const readers = new WeakMap<Reader, StreamSource>();
  /** A (de)compression stream of the browser, with the number of writes and reads that are waiting for it. */
  interface Compressor {
    writes: number;
    reads: number;
    release: (() => void) | undefined;
  }
  const compressors = new WeakMap<object, Compressor>();

  const { getReader, pipeTo, pipeThrough, tee, values } = ReadableStream.prototype as unknown as Record<
    string,
    (this: ReadableStream, ...args: unknown[]) => unknown
  >;

  /** Makes the clock wait for a read, unless the stream turns out to be endless. */
  function trackRead(read: Promise<unknown>, source: StreamSource): void {
    if (source.isEndless) return;
    if (!source.hasUnknownLength) {
      control.hold(read);
      control.letEnd(read);
      return;
    }
    const giveUp = control.realDelay(PATIENCE_MS).then(() => false);
    const arrived = read.then(
      () => true,
      () => true,
    );
    const decided = Promise.race([arrived, giveUp]).then((inTime) => {
      if (!inTime) source.isEndless = true;
    });
    control.hold(decided);
    control.letEnd(decided);
  }

  /**
   * A compression stream works in real time while it has both input and a reader: the clock waits until one of them is
   * served.
   */
  function trackCompressor(compressor: Compressor, side: 'writes' | 'reads', promise: Promise<unknown>): void {
    const update = () => {
      compressor.release?.();
      compressor.release = undefined;
      if (compressor.writes > 0 && compressor.reads > 0)
        control.hold(new Promise<void>((resolve) => (compressor.release = resolve)));
    };
    const settle = () => {
      compressor[side]--;
      update();
    };
    compressor[side]++;
    promise.then(settle, settle);
    update();
  }
  for (const name of ['CompressionStream', 'DecompressionStream'] as const) {
    const { prototype } = globalThis[name];
    const properties = Object.getOwnPropertyDescriptors(prototype);
    for (const side of ['readable', 'writable'] as const) {
      Object.defineProperty(prototype, side, {
        ...properties[side],
        get(this: CompressionStream) {
          const stream = (properties[side].get as (this: CompressionStream) => object).call(this);
          const compressor = compressors.get(this) ?? { writes: 0, reads: 0, release: undefined };
          compressors.set(this, compressor);
          compressors.set(stream, compressor);
          return stream;
        },
      });
    }
  }

  for (const name of ['ReadableStreamDefaultReader', 'ReadableStreamBYOBReader'] as const) {
    const methods = globalThis[name].prototype as unknown as Methods;
    const read = methods['read']!;
    methods['read'] = function (this: Reader, ...args: unknown[]) {
      const result = read.apply(this, args) as Promise<unknown>;
      const source = readers.get(this);
      const isInLine = source === FINITE && !unordered.has(this);
      const given = isInLine ? control.inLine(result) : result;
      if (isInLine) control.hold(given);
      if (source) trackRead(result, source);
      const compressor = compressors.get(this);
      if (compressor) trackCompressor(compressor, 'reads', result);
      return given;
    };
  }

  /** Creates a stream that forwards another one through an observed reader. Calls `end` at the end of the stream. */
  function relay(stream: ReadableStream, end = () => {}, isAhead = false): Relay {
    const reader = stream.getReader();
    if (isAhead) unordered.add(reader);
    const relayed = new ReadableStream<unknown>(
      {
        async pull(controller) {
          try {
            const { done, value } = (await reader.read()) as ReadableStreamReadResult<unknown>;
            if (!done) {
              controller.enqueue(value);
              return;
            }
            controller.close();
            end();
          } catch (error) {
            end();
            throw error;
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    return { stream: relayed, release: () => reader.releaseLock() };
  }

  /** Creates a sink that forwards to another one through an observed writer. */
  function relaySink(sink: WritableStream): WritableStream {
    const writer = sink.getWriter();
    return new WritableStream({
      write: (chunk) => writer.write(chunk),
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    });
  }
  const isFile = (stream: unknown) =>
    typeof FileSystemWritableFileStream !== 'undefined' && stream instanceof FileSystemWritableFileStream;

  const isRead = (stream: ReadableStream) => sources.has(stream) || compressors.has(stream);
  const needsRelay = (stream: object) => isFile(stream) || compressors.has(stream);

  const NATIVE_TRANSFORMS = ['CompressionStream', 'DecompressionStream', 'TextDecoderStream', 'TextEncoderStream'];
  const isNative = (pair: unknown) =>
    NATIVE_TRANSFORMS.some((name) => {
      const transform = (globalThis as unknown as Record<string, (new () => object) | undefined>)[name];
      return transform && pair instanceof transform;
    });

  Object.assign(ReadableStream.prototype, {
    getReader(this: ReadableStream, ...args: unknown[]) {
      const reader = getReader!.apply(this, args) as Reader;
      const source = sources.get(this);
      if (source) readers.set(reader, source);
      const compressor = compressors.get(this);
      if (compressor) compressors.set(reader, compressor);
      return reader;
    },
    pipeTo(this: ReadableStream, to: WritableStream, ...options: unknown[]) {
      if (!(this instanceof ReadableStream) || this.locked || !(to instanceof WritableStream) || to.locked) {
        return pipeTo!.call(this, to, ...options);
      }
      const target = needsRelay(to) ? relaySink(to) : to;
      if (!isRead(this)) return pipeTo!.call(this, target, ...options);
      const { stream, release } = relay(this);
      return (pipeTo!.call(stream, target, ...options) as Promise<unknown>).finally(release);
    },
    pipeThrough(this: ReadableStream, pair: ReadableWritablePair, ...options: unknown[]) {
      const isSpecial = this instanceof ReadableStream && pair?.writable instanceof WritableStream;
      if (!isSpecial || this.locked || pair.writable.locked || !(isRead(this) || needsRelay(pair.writable))) {
        return pipeThrough!.call(this, pair, ...options);
      }
      const source = sources.get(this);
      const { readable, writable } = pair;
      const isMade = isNative(pair);
      if (source && isMade) sources.set(readable, source === FINITE ? TRANSFORMED : source);
      const target = needsRelay(writable) ? relaySink(writable) : writable;
      return pipeThrough!.call(relay(this, undefined, isMade).stream, { readable, writable: target }, ...options);
    },
    tee(this: ReadableStream) {
      const branches = tee!.call(this) as ReadableStream[];
      const source = sources.get(this);
      const compressor = compressors.get(this);
      for (const branch of branches) {
        if (source) sources.set(branch, source);
        if (compressor) compressors.set(branch, compressor);
      }
      return branches;
    },
  });
  const iterate = function (this: ReadableStream, ...options: unknown[]) {
    const from = isRead(this) && !this.locked ? relay(this).stream : this;
    return values!.apply(from, options);
  };
  for (const name of ['values', Symbol.asyncIterator]) {
    Object.defineProperty(ReadableStream.prototype, name, { value: iterate, writable: true, configurable: true });
  }

  const blobStream = Blob.prototype.stream;
  Blob.prototype.stream = function () {
    const stream = blobStream.call(this);
    sources.set(stream, FINITE);
    return stream;
  };

  // Writes to a file, and closing it.
  const fileWriters = new WeakSet<object>();
  const getWriter = WritableStream.prototype.getWriter;
  WritableStream.prototype.getWriter = function () {
    const writer = getWriter.call(this);
    if (isFile(this)) fileWriters.add(writer);
    const compressor = compressors.get(this);
    if (compressor) compressors.set(writer, compressor);
    return writer;
  };
  for (const [owner, names, isOurs] of [
    [WritableStream.prototype, ['abort', 'close'], isFile],
    [WritableStreamDefaultWriter.prototype, ['abort', 'close', 'write'], (writer: object) => fileWriters.has(writer)],
  ] as const) {
    const methods = owner as unknown as Methods;
    for (const name of names) {
      const real = methods[name]!;
      methods[name] = function (this: object, ...args: unknown[]) {
        const result = real.apply(this, args) as Promise<unknown>;
        const compressor = compressors.get(this);
        if (compressor) trackCompressor(compressor, 'writes', result);
        return isOurs(this) ? control.track(control.inLine(result)) : result;
      };
    }
  }

  control.streams = {
    relay,
    isFed: (stream) => stream instanceof ReadableStream && !sources.has(stream),
    registerSource: (stream, source) => {
      if (!sources.has(stream)) sources.set(stream, source);
    },
  };
}
