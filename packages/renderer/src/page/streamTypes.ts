/** The source of a stream that the page does not feed itself. */
export interface StreamSource {
  /** Whether its length is not known, so that it may be endless. */
  hasUnknownLength: boolean;
  /** Whether it counts as endless. */
  isEndless: boolean;
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
