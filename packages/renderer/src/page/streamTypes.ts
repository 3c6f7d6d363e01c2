/** Where a stream comes from whose bytes do not come from the page. */
export interface StreamSource {
  /** Whether it may go on for ever. */
  isOpen: boolean;
  /** It does. */
  isLive: boolean;
}

/** A stream that gives what another one gives. */
export interface Relay {
  stream: ReadableStream;
  /** Lets go of the other one. */
  release: () => void;
}

/** What is known of the streams of a context. */
export interface Streams {
  /** Reads a stream for one that reads by itself, so that it is seen to read; `end` is told when that is all. */
  relay(stream: ReadableStream, end?: () => void): Relay;
  /** Whether it is a stream that the page feeds. */
  isFed(stream: unknown): boolean;
  /** Takes note of where a stream comes from. */
  registerSource(stream: ReadableStream, source: StreamSource): void;
}
