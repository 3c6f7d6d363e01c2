import type { PageSession } from '../browser/PageSession.js';
import { BrowserCrashError, positionPrefix } from '../errors.js';
import { explainShortage } from '../lifecycle/shortage.js';
import { canvasRefusal } from '../page/canvasRefusal.js';
import { coveringCanvas } from '../page/coveringCanvas.js';
import {
  CANVAS_REFUSAL,
  FIND_CANVAS,
  openFrameTap,
  PLANES_OF,
  READ_WEBGL,
  type FrameTapConfig,
  type FrameTapEncoder,
  type FrameTapRequest,
  type Outcome,
} from '../page/frameTap.js';
import { frameTapWorker } from '../page/frameTapWorker.js';
import { planesOf } from '../page/planes.js';
import { readWebGl } from '../page/readWebGl.js';
import { callSource, functionSource, OUR_WORLD } from '../page/source.js';
import { wordsOf } from '../unknowns.js';
import { FrameServer } from './FrameServer.js';

/** A port that cannot be opened for want of open files. */
function tellShortage(error: unknown): never {
  throw explainShortage(error);
}

/** The number of what is only looked at, and is no frame of the video. */
const LOOK = -1;

/** What is on its way from the browser, in memory that the third frame after it gets. */
export interface Taken {
  data: Promise<readonly Buffer[]>;
}

/**
 * The way of captured frames from the browser to here: a worker beside the page puts each one into a file, or sends
 * it to a loopback server of ours, at an address that has a token in it. Not through the debugging protocol, which
 * would spend more time on a frame than drawing it takes.
 */
export class FrameTap implements AsyncDisposable {
  #contextId: number | undefined;

  private constructor(
    readonly page: PageSession,
    readonly server: FrameServer,
  ) {}

  /** Prepares to take frames out of a page that has loaded. Returns the reason where that cannot be. */
  static async open(page: PageSession): Promise<FrameTap | string> {
    const { pixelWidth, pixelHeight } = page.options;
    const profile = page.session.browser.directory.file('profile');
    const tap = new FrameTap(page, await FrameServer.open(profile, pixelWidth * pixelHeight).catch(tellShortage));
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
    const asked = 'the browser to make room for our script';
    const { frameTree } = await scope.wait(session.send('Page.getFrameTree'), load, asked);
    const world = await scope.wait(
      session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: OUR_WORLD }),
      load,
      asked,
    );
    this.#contextId = world.executionContextId;
    const { width, height, pixelWidth, pixelHeight } = page.options;
    const planes = `globalThis.${PLANES_OF} = ${functionSource(planesOf)}`;
    const refusal = `globalThis.${CANVAS_REFUSAL} = ${functionSource(canvasRefusal)}`;
    const config: FrameTapConfig = {
      url: this.server.url,
      file: this.server.mark,
      width: pixelWidth,
      height: pixelHeight,
      view: { width, height },
      mark: page.session.ownWorker,
      worker: `${planes}; ${refusal}; ${callSource(frameTapWorker)}`,
    };
    const findCanvas = `globalThis.${FIND_CANVAS} = ${functionSource(coveringCanvas)}`;
    const readCanvas = `globalThis.${READ_WEBGL} = ${functionSource(readWebGl)}`;
    const opening = this.#evaluate(`${findCanvas}; ${readCanvas}; ${callSource(openFrameTap, config)}`);
    return String(await scope.wait(opening, load, 'the browser to start our worker'));
  }

  /**
   * Begins to capture what the compositor draws, anew where it does already, and waits for the first frame. Returns
   * the reason where that cannot be.
   */
  async captureTab(): Promise<string> {
    // The browser begins a capture, and captures its first frame, only while it is given frames.
    // And only of a page that a user has touched.
    const capturing = this.#evaluate('genlockTap.captureTab()', { userGesture: true });
    return String(await this.page.frames.drawUntil(capturing, 'the browser to let its page be captured'));
  }

  /**
   * Takes the newest frame, once there is one that was drawn at or after a moment of `process.hrtime`. Resolves when the
   * page may go on, to what will be its planes or packet; or to the reason why there is none.
   */
  take(frame: number, since: bigint, patienceMs: number): Promise<Taken | string> {
    return this.#ask(frame, { take: frame, since: Number(since / 1000n), patienceMs, purpose: 'video' });
  }

  /** As `take`, or without a moment as `again`, but only to be compared. Returns the reason where there is none. */
  look(since: bigint | undefined, patienceMs: number): Promise<string> {
    const purpose = 'none';
    if (since === undefined) return this.#refusal({ again: LOOK, purpose });
    return this.#refusal({ take: LOOK, since: Number(since / 1000n), patienceMs, purpose });
  }

  /** Takes the newest frame, again or for the first time: nothing has changed since it was drawn. */
  again(frame: number): Promise<Taken | string> {
    return this.#ask(frame, { again: frame, purpose: 'video' });
  }

  /** Takes a frame with these pixels (BGRX), to be encoded like one that was captured. */
  give(frame: number, pixels: Buffer): Promise<Taken | string> {
    return this.#ask(frame, { give: frame, pixels: pixels.toString('base64') });
  }

  /** Whether there is a canvas on the page. */
  async seesCanvas(): Promise<boolean> {
    const answer = this.#evaluate(`document.querySelector('canvas') !== null`);
    return (await this.#wait(answer, 'the page to say what is in it')) === true;
  }

  /**
   * Takes what is on the canvas that is all there is to see on the page: four bytes a pixel (BGRX), or
   * a packet. Or the reason why there is none. `drawn` says whether the page was drawn since.
   */
  takeCanvas(frame: number, drawn: boolean): Promise<Taken | string> {
    return this.#ask(frame, { canvas: frame, drawn, purpose: 'video' });
  }

  /** As `takeCanvas`, but only to be compared. Returns the reason where there is none. */
  lookAtCanvas(drawn: boolean): Promise<string> {
    return this.#refusal({ canvas: LOOK, drawn, purpose: 'none' });
  }

  /**
   * How a screenshot differs from the frame that was taken last; the empty string where it does not. The browser
   * finds out: to decode a picture here would hold up everybody for a fifth of a second.
   */
  async differenceFrom(png: Buffer): Promise<string> {
    this.server.picture = png;
    const difference = await this.#refusal({ compare: LOOK });
    this.server.picture = undefined;
    return difference;
  }

  /** Why the browser cannot encode in this way; the empty string where it can. */
  async refusalOf(encoder: FrameTapEncoder): Promise<string> {
    const answer = this.#evaluate(`genlockTap.refusalOf(${JSON.stringify(encoder)})`);
    return String(await this.#wait(answer, 'the browser to say what it can encode'));
  }

  /** Has frames encoded from now on, by a new encoder that begins with a key frame. Without this, planes are sent. */
  async encodeWith(encoder: FrameTapEncoder): Promise<void> {
    const { fps } = this.page.options;
    const answer = this.#evaluate(`genlockTap.encodeWith(${JSON.stringify(encoder)}, ${JSON.stringify(fps)})`);
    await this.#wait(answer, 'the browser to prepare its encoder');
  }

  /** No frame comes after it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.page.scope.buffers.delete(this.server);
    await this.server[Symbol.asyncDispose]();
  }

  async #ask(frame: number, request: FrameTapRequest): Promise<Taken | string> {
    // The bytes may be here before the answer.
    const data = this.server.expect(frame);
    const outcome = await this.#request(request);
    if (outcome === '') return { data };
    this.server.expectNot(frame);
    return typeof outcome === 'number' ? { data: Promise.resolve([await this.#read(outcome)]) } : outcome;
  }

  /** Why there is nothing to look at; the empty string where there is. */
  async #refusal(request: FrameTapRequest): Promise<string> {
    return String(await this.#request(request));
  }

  async #request(request: FrameTapRequest): Promise<Outcome> {
    const answer = this.#evaluate(`genlockTap.ask(${JSON.stringify(request)})`);
    return (await this.#wait(answer, 'the browser to hand over a frame')) as Outcome;
  }

  /** Reads a frame from the file before the next one is written there. */
  #read(bytes: number): Promise<Buffer> {
    const position = { ...this.page.scope.position };
    const reading = this.server.read(bytes).catch((error: unknown) => {
      throw new BrowserCrashError(`${positionPrefix(position)}${wordsOf(error)}`, position, 'picture');
    });
    return this.#wait(reading, 'the bytes of the frame in the file of the browser');
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
      // Such as a connection to this process that could not be opened.
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
