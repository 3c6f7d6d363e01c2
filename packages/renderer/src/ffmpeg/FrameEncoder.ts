import type { Writable } from 'node:stream';
import { BrowserCrashError, EncoderError, ToolError, positionPrefix } from '../errors.js';
import { never } from '../lifecycle/abort.js';
import { ranOutOfDisk, type ProcessEnd } from '../lifecycle/howItEnded.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { explainStartFailure } from '../lifecycle/shortage.js';
import type { ManagedProcess } from '../lifecycle/ManagedProcess.js';
import type { ResolvedOptions } from '../options/options.js';
import { encodeArguments } from './arguments.js';
import type { Frame, FrameFormat } from './Frame.js';

/**
 * The maximum number of frames on their way to the encoder. Pixels are megabytes in memory that is soon reused. Packets
 * are small, and may come late: the browser's encoder may take longer for a frame than the page took to draw it.
 */
const MAX_IN_FLIGHT = { pixels: 1, packets: 3 };

/** A frame on its way to the encoder. */
interface FrameInFlight {
  frame: number | undefined;
  /** Pending until the bytes have arrived from the browser. */
  data: Promise<readonly Buffer[]>;
  /** Pending until ffmpeg has accepted the bytes. */
  accepted: Promise<void>;
}

/**
 * An ffmpeg process that reads frames from standard input and writes a video file. Its standard input is
 * closed only after the last frame: if it was closed earlier, ffmpeg would leave a playable, truncated file.
 */
export class FrameEncoder implements AsyncDisposable {
  readonly format: FrameFormat;
  readonly #process: ManagedProcess;
  /** Undefined if ffmpeg could not be started, which is reported when the process ends. */
  readonly #input: Writable | undefined;
  #open = true;
  #finishing = false;
  #last: Promise<readonly Buffer[]> | undefined;
  /** The frames on their way to the encoder, in order. */
  readonly #inFlight: FrameInFlight[] = [];

  constructor(
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
    { format, ...paths }: { format: FrameFormat; ffmpeg: string; output: string; hashes: string | undefined },
  ) {
    this.format = format;
    this.#process = scope.start(paths.ffmpeg, encodeArguments(format, options, paths.output, paths.hashes), {
      role: 'encoder',
      hardening: 'parentDeath',
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#input = this.#process.pipes[0] as Writable | undefined;
    void this.#process.ended.then((end) => {
      const failure = this.#failure(end);
      if (failure && this.#open) scope.fail(failure);
    });
  }

  /** Sends one frame. Resolves once so few frames are in flight that the page may draw the next one. */
  async write(frame: Frame): Promise<void> {
    if (frame.kind === 'picture') this.#last = Promise.resolve([frame.png]);
    else if (frame.kind !== 'unchanged') this.#last = frame.data;
    if (!this.#last) throw new RangeError('the first frame cannot be `unchanged`: there is none before it');
    const max = frame.kind === 'packet' ? MAX_IN_FLIGHT.packets : MAX_IN_FLIGHT.pixels;
    while (this.#inFlight.length >= max) await this.#oldestAccepted();
    const data = this.#checkSize(this.#last);
    const accepted = this.#send(data, this.#inFlight.at(-1)?.accepted);
    // A rejection is handled when the promise is awaited later.
    for (const promise of [data, accepted]) void promise.catch(() => {});
    this.#inFlight.push({ frame: this.scope.position.frame, data, accepted });
  }

  /**
   * Checks that a raw frame is complete: ffmpeg splits raw input by size, so an incomplete one would shift all others.
   */
  async #checkSize(data: Promise<readonly Buffer[]>): Promise<readonly Buffer[]> {
    const position = { ...this.scope.position };
    const pieces = await data;
    const wanted = rawBytes(this.format, this.options);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (wanted === undefined || bytes === wanted) return pieces;
    const message = `${positionPrefix(position)}the browser sent ${bytes} bytes of the frame instead of ${wanted}`;
    throw new BrowserCrashError(message, position, 'picture');
  }

  /** Writes the bytes of a frame to ffmpeg after those of the `previous` frame. */
  async #send(data: Promise<readonly Buffer[]>, previous: Promise<void> | undefined): Promise<void> {
    await previous;
    const pieces = await data;
    const input = this.#input;
    if (!input) return never();
    // Corked, so that all pieces are written with one system call.
    input.cork();
    const written = pieces.map((piece) => {
      // Waits for the callback, not for room in the stream: until then the memory must not be reused for another frame.
      return new Promise<void>((resolve) => {
        input.write(piece, (error) => {
          // An error means that the encoder has ended, which is reported elsewhere.
          if (!error) resolve();
        });
      });
    });
    input.uncork();
    await Promise.all(written);
  }

  /** Resolves once the encoder has accepted every frame: their source is no longer needed. */
  async written(): Promise<void> {
    while (this.#inFlight.length > 0) await this.#oldestAccepted();
  }

  async #oldestAccepted(): Promise<void> {
    const { capture, encode } = this.options.deadlines;
    const { frame, data, accepted } = this.#inFlight[0]!;
    const place = frame === undefined ? {} : { frame };
    // The two waits are separate, so that a StallError names the side that is late: the browser or the encoder.
    await this.scope.wait(data, capture, 'the browser to send the bytes of the frame', { phase: 'capture', ...place });
    await this.scope.wait(accepted, encode, 'the encoder to accept the frame', { phase: 'encode', ...place });
    void this.#inFlight.shift();
  }

  /** Waits until the file is complete. */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.#input?.end();
    const { drain } = this.options.deadlines;
    await this.scope.wait(this.#process.ended, drain, 'the encoder to finish its file');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // If the process ends from here on, that is no failure.
    this.#open = false;
    await this.#process[Symbol.asyncDispose]();
  }

  #failure(end: ProcessEnd): Error | undefined {
    const position = { ...this.scope.position };
    if (end.error) return new ToolError(`ffmpeg cannot be started: ${explainStartFailure(end.error)}`, position);
    if (end.code === 0 && this.#finishing && !ranOutOfDisk(end)) return undefined;
    return new EncoderError('encoding failed', end, position);
  }
}

/** The size of a raw frame in bytes; undefined for formats whose frames vary in size. */
function rawBytes(format: FrameFormat, { pixelWidth, pixelHeight }: ResolvedOptions): number | undefined {
  if (format === 'bgrx') return pixelWidth * pixelHeight * 4;
  const chroma = Math.ceil(pixelWidth / 2) * Math.ceil(pixelHeight / 2);
  return format === 'i420' ? pixelWidth * pixelHeight + 2 * chroma : undefined;
}
