/** The source of a stream that the page does not feed itself. */
export interface StreamSource {
  /** Whether the stream may be endless, because its length is not known. */
  isOpen: boolean;
  /** Whether it is taken for endless. */
  isLive: boolean;
}

/** A stream that forwards another one. */
export interface Relay {
  stream: ReadableStream;
  /** Releases the lock on the original stream. */
  release: () => void;
}

/** The streams of a context. */
export interface Streams {
  /**
   * Forwards a stream for a native reader, through reads that can be observed. Calls `end` at the end of the stream.
   */
  relay(stream: ReadableStream, end?: () => void): Relay;
  /** Whether the page itself feeds this stream. */
  isFed(stream: unknown): boolean;
  /** Records the source of a stream, unless it is known. */
  registerSource(stream: ReadableStream, source: StreamSource): void;
}
