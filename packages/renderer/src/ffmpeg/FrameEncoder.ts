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
 * So many frames may be on their way. Pixels have their megabytes in memory that is used again; packets are small,
 * and come late where a browser's encoder has a frame that takes it longer than the page took to draw it.
 */
const AHEAD = { pixels: 1, packets: 3 };

/** A frame on its way to the encoder. */
interface Underway {
  frame: number | undefined;
  /** Pending until its bytes have come from the browser. */
  data: Promise<readonly Buffer[]>;
  /** Pending until ffmpeg has them. */
  taken: Promise<void>;
}

/**
 * One ffmpeg that takes frames on standard input and writes a video file. Its standard input is
 * closed only after the last frame: closed earlier, ffmpeg would leave a playable, truncated file.
 */
export class FrameEncoder implements AsyncDisposable {
  readonly format: FrameFormat;
  readonly #process: ManagedProcess;
  /** Undefined where ffmpeg could not be started, which its end tells. */
  readonly #input: Writable | undefined;
  #open = true;
  #finishing = false;
  #last: Promise<readonly Buffer[]> | undefined;
  /** The frames that are on their way, in their order. */
  readonly #underway: Underway[] = [];

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

  /** Hands over one frame. Resolves when few enough of those before it are on their way that the next may be drawn. */
  async write(frame: Frame): Promise<void> {
    if (frame.kind === 'picture') this.#last = Promise.resolve([frame.png]);
    else if (frame.kind !== 'hold') this.#last = frame.data;
    if (!this.#last) throw new RangeError('the first frame cannot be held: there is none before it');
    const ahead = frame.kind === 'packet' ? AHEAD.packets : AHEAD.pixels;
    while (this.#underway.length >= ahead) await this.#firstTaken();
    const data = this.#whole(this.#last);
    const taken = this.#give(data, this.#underway.at(-1)?.taken);
    // Who waits for them hears of their failure.
    for (const promise of [data, taken]) void promise.catch(() => {});
    this.#underway.push({ frame: this.scope.position.frame, data, taken });
  }

  /** Of raw frames ffmpeg knows none but their size: after one that is not whole, every other is out of its place. */
  async #whole(data: Promise<readonly Buffer[]>): Promise<readonly Buffer[]> {
    const position = { ...this.scope.position };
    const pieces = await data;
    const wanted = rawBytes(this.format, this.options);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (wanted === undefined || bytes === wanted) return pieces;
    const message = `${positionPrefix(position)}the browser sent ${bytes} bytes of the frame instead of ${wanted}`;
    throw new BrowserCrashError(message, position, 'picture');
  }

  async #give(data: Promise<readonly Buffer[]>, before: Promise<void> | undefined): Promise<void> {
    await before;
    const pieces = await data;
    const input = this.#input;
    if (!input) return never();
    // All in one call of the system.
    input.cork();
    const given = pieces.map((piece) => {
      // Not when the stream has room for more: until then the memory is not to be used for another frame.
      return new Promise<void>((resolve) => {
        input.write(piece, (error) => {
          // The encoder has ended: whoever waits for it waits for that, too.
          if (!error) resolve();
        });
      });
    });
    input.uncork();
    await Promise.all(given);
  }

  /** Resolves when the encoder has taken every frame: their source may go. */
  async written(): Promise<void> {
    while (this.#underway.length > 0) await this.#firstTaken();
  }

  async #firstTaken(): Promise<void> {
    const { capture, encode } = this.options.deadlines;
    const { frame, data, taken } = this.#underway[0]!;
    const of = frame === undefined ? {} : { frame };
    // The encoder cannot take what the browser has not sent.
    await this.scope.wait(data, capture, 'the browser to send the bytes of the frame', { phase: 'capture', ...of });
    await this.scope.wait(taken, encode, 'the encoder to take the frame', { phase: 'encode', ...of });
    void this.#underway.shift();
  }

  /** Waits until the file is complete. */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.#input?.end();
    const { drain } = this.options.deadlines;
    await this.scope.wait(this.#process.ended, drain, 'the encoder to finish its file');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What ends it now is its disposal, not a failure of its own.
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

/** The bytes of a raw frame; undefined where frames have no size of their own. */
function rawBytes(format: FrameFormat, { pixelWidth, pixelHeight }: ResolvedOptions): number | undefined {
  if (format === 'bgrx') return pixelWidth * pixelHeight * 4;
  const chroma = Math.ceil(pixelWidth / 2) * Math.ceil(pixelHeight / 2);
  return format === 'i420' ? pixelWidth * pixelHeight + 2 * chroma : undefined;
}
