import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import { explainShortage } from '../lifecycle/shortage.js';
import { canvasRefusal } from '../page/canvasRefusal.js';
import { coveringCanvas } from '../page/coveringCanvas.js';
import { frameDifference } from '../page/frameDifference.js';
import { frameFile } from '../page/frameFile.js';
import {
  CANVAS_REFUSAL,
  FIND_CANVAS,
  FRAME_DIFFERENCE,
  FRAME_FILE,
  openFrameTap,
  PLANES_OF,
  READ_WEBGL,
  type FrameTapConfig,
  type FrameTapEncoder,
  type FrameTapRequest,
  type CaptureOutcome,
} from '../page/frameTap.js';
import { frameTapWorker } from '../page/frameTapWorker.js';
import { planesOf } from '../page/planes.js';
import { readWebGl } from '../page/readWebGl.js';
import { callSource, functionSource, OUR_WORLD } from '../page/source.js';
import { messageOf } from '../unknowns.js';
import { FrameServer } from './FrameServer.js';

/** Explains a port that could not be opened because the limit of open files is reached. */
function throwShortage(error: unknown): never {
  throw explainShortage(error);
}

/** Used as the frame number for captures that are only compared and are not frames of the video. */
const NOT_A_FRAME = -1;

/** The bytes of a captured frame, pending while on their way. The third frame after this one reuses their memory. */
export interface CapturedBytes {
  data: Promise<readonly Buffer[]>;
}

/**
 * Brings captured frames from the browser to this process: a worker beside the page writes each one into a file, or
 * sends it to our loopback server, whose address contains a token. The debugging protocol is not used for this: it
 * would spend more time on a frame than drawing it takes.
 */
export class FrameTap implements AsyncDisposable {
  #contextId: number | undefined;

  private constructor(
    readonly page: PageSession,
    readonly server: FrameServer,
  ) {}

  /** Prepares to capture frames of a page that has loaded. Returns the reason if they cannot be captured. */
  static async open(page: PageSession): Promise<FrameTap | string> {
    const { pixelWidth, pixelHeight } = page.options;
    const profile = page.session.browser.directory.file('profile');
    const tap = new FrameTap(page, await FrameServer.open(profile, pixelWidth * pixelHeight).catch(throwShortage));
    page.scope.buffers.add(tap.server);
    try {
      const refusal = await tap.#open();
      if (refusal === '') return tap;
      await tap[Symbol.asyncDispose]();
      return refusal;
    } catch (error) {
      await tap[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #open(): Promise<string> {
    const { page } = this;
    const { scope, session } = page;
    const { load } = page.options.deadlines;
    const waitingFor = 'the browser to prepare for our script';
    const { frameTree } = await scope.wait(session.send('Page.getFrameTree'), load, waitingFor);
    const world = await scope.wait(
      session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: OUR_WORLD }),
      load,
      waitingFor,
    );
    this.#contextId = world.executionContextId;
    const { width, height, pixelWidth, pixelHeight } = page.options;
    const planes = `globalThis.${PLANES_OF} = ${functionSource(planesOf)}`;
    const refusal = `globalThis.${CANVAS_REFUSAL} = ${functionSource(canvasRefusal)}`;
    const difference = `globalThis.${FRAME_DIFFERENCE} = ${functionSource(frameDifference)}`;
    const file = `globalThis.${FRAME_FILE} = ${functionSource(frameFile)}`;
    const config: FrameTapConfig = {
      url: this.server.url,
      file: this.server.mark,
      width: pixelWidth,
      height: pixelHeight,
      view: { width, height },
      mark: page.session.ownWorker,
      worker: `${planes}; ${refusal}; ${difference}; ${file}; ${callSource(frameTapWorker)}`,
    };
    const findCanvas = `globalThis.${FIND_CANVAS} = ${functionSource(coveringCanvas)}`;
    const readCanvas = `globalThis.${READ_WEBGL} = ${functionSource(readWebGl)}`;
    const opening = this.#evaluate(`${findCanvas}; ${readCanvas}; ${callSource(openFrameTap, config)}`);
    return String(await scope.wait(opening, load, 'the browser to start our worker'));
  }

  /**
   * Starts, or restarts, capturing what the compositor draws, and waits for the first frame. Returns the reason if the
   * page cannot be captured; the empty string if it can.
   */
  async captureTab(): Promise<string> {
    // The browser starts a capture, and captures the first frame, only while frames are issued,
    // and only after a user's gesture on the page.
    const capturing = this.#evaluate('genlockTap.captureTab()', { userGesture: true });
    return String(await this.page.frames.drawUntil(capturing, 'the browser to let its page be captured'));
  }

  /**
   * Takes the newest frame, once there is one that was drawn at or after `since`, a time of `process.hrtime`. Waits for
   * `patienceMs` milliseconds at most. Resolves as soon as the page may go on: with the planes or packet that are on
   * their way, or with the reason why there is no frame.
   */
  take(frame: number, since: bigint, patienceMs: number): Promise<CapturedBytes | string> {
    return this.#capture(frame, { take: frame, since: Number(since / 1000n), patienceMs, purpose: 'video' });
  }

  /**
   * Like `take`, or like `retake` without `since`, but the frame is only compared and does not become a frame of the
   * video. Returns the reason if there is no frame; the empty string if there is one.
   */
  prepareComparison(since: bigint | undefined, patienceMs: number): Promise<string> {
    const purpose = 'none';
    if (since === undefined) return this.#refusal({ unchanged: NOT_A_FRAME, purpose });
    return this.#refusal({ take: NOT_A_FRAME, since: Number(since / 1000n), patienceMs, purpose });
  }

  /** Takes the newest frame, even if it was taken before: nothing has changed since it was drawn. */
  retake(frame: number): Promise<CapturedBytes | string> {
    return this.#capture(frame, { unchanged: frame, purpose: 'video' });
  }

  /** Has the browser encode these pixels (BGRX) like a captured frame. */
  encodePixels(frame: number, pixels: Buffer): Promise<CapturedBytes | string> {
    return this.#capture(frame, { supplied: frame, pixels: pixels.toString('base64') });
  }

  /** Whether there is a canvas on the page. */
  async hasCanvas(): Promise<boolean> {
    const answer = this.#evaluate(`document.querySelector('canvas') !== null`);
    return (await this.#wait(answer, 'the page to say whether it has a canvas')) === true;
  }

  /**
   * Takes the contents of the canvas that fills the page: four bytes a pixel (BGRX), or a packet. Returns the reason if
   * there is no such canvas. `drawn` says whether the browser has drawn the page since the last capture.
   */
  takeCanvas(frame: number, drawn: boolean): Promise<CapturedBytes | string> {
    return this.#capture(frame, { canvas: frame, drawn, purpose: 'video' });
  }

  /** Like `takeCanvas`, but the contents are only compared. Returns the reason if there are none. */
  prepareCanvasComparison(drawn: boolean): Promise<string> {
    return this.#refusal({ canvas: NOT_A_FRAME, drawn, purpose: 'none' });
  }

  /**
   * How a screenshot differs from the frame that was taken last; the empty string if it does not. The browser compares
   * them: decoding a picture in this process would block it for a fifth of a second.
   */
  async differenceFrom(png: Buffer): Promise<string> {
    this.server.picture = png;
    const difference = await this.#refusal({ compare: NOT_A_FRAME });
    this.server.picture = undefined;
    return difference;
  }

  /** Why the browser cannot encode with this configuration; the empty string if it can. */
  async refusalOf(encoder: FrameTapEncoder): Promise<string> {
    const answer = this.#evaluate(`genlockTap.refusalOf(${JSON.stringify(encoder)})`);
    return String(await this.#wait(answer, 'the browser to say what it can encode'));
  }

  /** Encodes frames from now on, with a new encoder that begins with a key frame. Before that, raw pixels are sent. */
  async encodeWith(encoder: FrameTapEncoder): Promise<void> {
    const { fps } = this.page.options;
    const answer = this.#evaluate(`genlockTap.encodeWith(${JSON.stringify(encoder)}, ${JSON.stringify(fps)})`);
    await this.#wait(answer, 'the browser to prepare its encoder');
  }

  /** Closes the server. No more frames are received. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.page.scope.buffers.delete(this.server);
    await this.server[Symbol.asyncDispose]();
  }

  async #capture(frame: number, request: FrameTapRequest): Promise<CapturedBytes | string> {
    // The bytes may arrive before the answer.
    const data = this.server.expect(frame);
    const outcome = await this.#request(request);
    if (outcome === '') return { data };
    this.server.cancelExpected(frame);
    return typeof outcome === 'number' ? { data: Promise.resolve([await this.#read(outcome)]) } : outcome;
  }

  /** Why there is nothing to compare, or how it differs; the empty string if there is no reason or difference. */
  async #refusal(request: FrameTapRequest): Promise<string> {
    return String(await this.#request(request));
  }

  async #request(request: FrameTapRequest): Promise<CaptureOutcome> {
    const answer = this.#evaluate(`genlockTap.ask(${JSON.stringify(request)})`);
    return (await this.#wait(answer, 'the browser to hand over a frame')) as CaptureOutcome;
  }

  /** Reads a frame from the file before the next one is written there. */
  #read(bytes: number): Promise<Buffer> {
    const position = { ...this.page.scope.position };
    const reading = this.server.read(bytes).catch((error: unknown) => {
      throw new BrowserCrashError(`${positionPrefix(position)}${messageOf(error)}`, position, 'picture');
    });
    return this.#wait(reading, "the bytes of the frame in the browser's file");
  }

  #wait<T>(
    answer: Promise<T>,
    waitingFor: string,
    deadlineMs: number = this.page.options.deadlines.capture,
  ): Promise<T> {
    return this.page.scope.wait(answer, deadlineMs, waitingFor);
  }

  async #evaluate(expression: string, more: { userGesture?: true } = {}): Promise<unknown> {
    const { result, exceptionDetails } = await this.page.session.send('Runtime.evaluate', {
      contextId: this.#contextId!,
      expression,
      awaitPromise: true,
      returnByValue: true,
      ...more,
    });
    if (exceptionDetails) {
      // For example, the connection to this process could not be opened.
      const why = exceptionDetails.exception?.description ?? exceptionDetails.text;
      const position = { ...this.page.scope.position };
      throw new BrowserCrashError(
        `${positionPrefix(position)}the capture failed in the browser: ${why}`,
        position,
        'picture',
      );
    }
    return result.value;
  }
}
