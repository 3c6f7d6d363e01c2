import type { CanvasKind, canvasRefusal } from './canvasRefusal.js';
import type { frameDifference } from './frameDifference.js';
import type { frameFile } from './frameFile.js';
import type {
  CaptureAnswer,
  CANVAS_REFUSAL,
  FRAME_DIFFERENCE,
  FRAME_FILE,
  FrameQuestion,
  FrameTapEncoder,
  TapMessage,
  CaptureOutcome,
  PLANES_OF,
  Purpose,
  Rows,
} from './frameTap.js';
import type { planesOf } from './planes.js';

/**
 * Runs in the worker. Each packet is sent to the server as one message that starts with the frame's number; so are the
 * pixels of a frame if there is no file for them.
 */
export function frameTapWorker(): void {
  const ours = globalThis as unknown as Record<typeof PLANES_OF, typeof planesOf> &
    Record<typeof CANVAS_REFUSAL, typeof canvasRefusal> &
    Record<typeof FRAME_DIFFERENCE, typeof frameDifference> &
    Record<typeof FRAME_FILE, typeof frameFile>;
  /** Size of the number at the start of a message, in bytes. */
  const NUMBER_BYTES = 4;
  let socket: WebSocket;
  /** Resolvers of the questions to the server, which answers them in order. */
  const questions: ((answer: string | ArrayBuffer) => void)[] = [];
  let size = { width: 0, height: 0 };
  let capture: ReadableStreamDefaultReader<VideoFrame> | undefined;
  /** The newest captured frame, unless it has been taken or compared. */
  let captured: VideoFrame | undefined;
  /** The frame that was last taken or compared. */
  let last: VideoFrame | undefined;
  let arrived = () => {};
  let encoder: VideoEncoder | undefined;
  /** Whether the next frame to encode is the encoder's first. */
  let isFirst = false;
  let fps = { num: 1, den: 1 };
  /** Buffers to reuse, with room for the frame's number: otherwise each frame would leave megabytes of garbage. */
  const spare: Uint8Array<ArrayBuffer>[] = [];
  /** The content of the canvas. Reused too, since a `VideoFrame` copies its pixels. */
  let canvasPixels = new Uint8Array();
  /** Settles after all queued work: frames leave one after the other, in order. */
  let queue: Promise<unknown> = Promise.resolve();

  /** Resolves to the empty string once connected, or to the reason why that is impossible. */
  const connect = (url: string) =>
    new Promise<string>((resolve) => {
      const refuse = () => resolve('its rules (Content-Security-Policy) allow no connection to Genlock');
      try {
        socket = new WebSocket(url);
      } catch {
        refuse();
        return;
      }
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => resolve('');
      socket.onerror = refuse;
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => questions.shift()?.(data);
      socket.onclose = () => fail('the connection to Genlock has ended');
    });
  const ask = (question: FrameQuestion) =>
    new Promise<string | ArrayBuffer>((resolve) => {
      questions.push(resolve);
      socket.send(question);
    });
  /** Sends a frame, whose number is written into the first bytes. */
  const send = (number: number, message: Uint8Array<ArrayBuffer>) => {
    new DataView(message.buffer).setInt32(0, number);
    socket.send(message);
  };
  let writeFile: ReturnType<typeof frameFile> = () => Promise.resolve(false);
  const fail = (error: unknown) => postMessage({ failure: String(error) });
  const enqueue = (work: () => Promise<unknown>) => {
    queue = queue.then(work).catch(fail);
  };

  /** Returns the newest frame, which becomes the last one taken. */
  const newestFrame = (): VideoFrame | undefined => {
    if (captured) last?.close();
    last = captured ?? last;
    captured = undefined;
    return last;
  };

  const read = async (readable: ReadableStream<VideoFrame>, first: number) => {
    const reader = readable.getReader();
    capture = reader;
    for (let isNew = true; ; isNew = false) {
      const { value, done } = await reader.read();
      if (done) return;
      const isOld = reader !== capture;
      // The browser has a limited number of frames, so those not taken must be released.
      (isOld ? value : captured)?.close();
      if (isOld) return;
      captured = value;
      if (isNew) answer(first);
      arrived();
    }
  };

  /** Resolves to the newest frame once it was drawn at or after `since`; to undefined after `patienceMs`. */
  const drawnSince = async (since: number, patienceMs: number): Promise<VideoFrame | undefined> => {
    const until = performance.now() + patienceMs;
    for (;;) {
      const newest = newestFrame();
      if (newest && newest.timestamp >= since) return newest;
      const left = until - performance.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        arrived = resolve;
        setTimeout(resolve, left);
      });
    }
  };

  const answer = (frame: number, outcome: CaptureOutcome = '') =>
    postMessage({ frame, outcome } satisfies CaptureAnswer);

  const sendPixels = (number: number, frame: VideoFrame) => {
    // Planes are copied as they are. A canvas has four bytes a pixel, in an order that differs between systems.
    const options: VideoFrameCopyToOptions = frame.format === 'I420' ? {} : { format: 'BGRX' };
    const message = spare.pop() ?? new Uint8Array(NUMBER_BYTES + frame.allocationSize(options));
    const pixels = message.subarray(NUMBER_BYTES);
    const copied = frame.copyTo(pixels, options);
    enqueue(async () => {
      await copied;
      if (await writeFile(pixels)) answer(number, pixels.byteLength);
      else {
        // The page may continue while the bytes follow.
        answer(number);
        send(number, message);
      }
      spare.push(message);
    });
  };

  const use = (number: number, make: () => VideoFrame, purpose: Purpose) => {
    const isSent = purpose === 'video' && !encoder;
    // The page may continue before the frame is made.
    if (!isSent) answer(number);
    const frame = make();
    if (frame !== last) last?.close();
    last = frame;
    if (isSent) sendPixels(number, frame);
    if (isSent || purpose === 'none') return;
    const timed = new VideoFrame(frame, { timestamp: Math.round((number * fps.den * 1e6) / fps.num) });
    encoder!.encode(timed, { keyFrame: isFirst });
    isFirst = false;
    timed.close();
  };

  const fits = ({ visibleRect }: VideoFrame) => visibleRect?.width === size.width && visibleRect.height === size.height;

  const takeCaptured = (number: number, frame: VideoFrame | undefined, purpose: Purpose) => {
    if (!frame) answer(number, 'the browser drew a frame but did not deliver it');
    else if (fits(frame)) use(number, () => frame, purpose);
    else answer(number, `it measures ${frame.displayWidth}x${frame.displayHeight}`);
  };

  const take = async (number: number, since: number, patienceMs: number, purpose: Purpose) => {
    const frame = await drawnSince(since, patienceMs);
    takeCaptured(number, frame?.format === 'I420' ? frame : undefined, purpose);
  };

  /**
   * Makes a frame of opaque pixels that encodes as BT.709 in limited range. From a canvas's own frame, the encoder
   * would make full range, which many players do not expect.
   */
  const frameOf = (pixels: Uint8Array<ArrayBuffer>, format: 'BGRX' | 'RGBX'): VideoFrame => {
    const { width: codedWidth, height: codedHeight } = size;
    const colorSpace = { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'rgb', fullRange: false } as const;
    return new VideoFrame(pixels, { format, codedWidth, codedHeight, timestamp: 0, colorSpace });
  };

  const takeSupplied = (number: number, text: string) => {
    const pixels = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    use(number, () => frameOf(pixels, 'BGRX'), 'video');
  };

  /** Returns the buffer for the pixels of a canvas. */
  const canvasBuffer = (bytes: number): Uint8Array<ArrayBuffer> => {
    if (canvasPixels.byteLength !== bytes) canvasPixels = new Uint8Array(bytes);
    return canvasPixels;
  };

  const compare = async (number: number) => {
    if (!last) {
      answer(number, 'no frame was taken');
      return;
    }
    const screenshot = (await ask('picture')) as ArrayBuffer;
    answer(number, await ours.genlockFrameDifference(screenshot, last, size, ours.genlockPlanesOf));
  };

  /** Uses the pixels in `canvasPixels` as a frame, unless there is a reason not to. */
  const usePixels = (number: number, format: 'BGRX' | 'RGBX', purpose: Purpose, kind: CanvasKind, misfit: string) => {
    const refusal = misfit || ours.genlockCanvasRefusal(canvasPixels, kind);
    if (refusal === '') use(number, () => frameOf(canvasPixels, format), purpose);
    else answer(number, refusal);
  };

  const takeCanvas = async (number: number, picture: VideoFrame, drawn: boolean, purpose: Purpose) => {
    const { colorSpace, displayWidth, displayHeight } = picture;
    const format = String(picture.format);
    let misfit = fits(picture) ? '' : `its picture is ${displayWidth}x${displayHeight}`;
    await picture.copyTo(canvasBuffer(picture.allocationSize()));
    picture.close();
    if (colorSpace.primaries !== 'bt709' || colorSpace.transfer !== 'iec61966-2-1') {
      misfit ||= 'its canvas is not in sRGB';
    }
    if (!['BGRA', 'RGBA', 'BGRX', 'RGBX'].includes(format)) misfit ||= `its pixels are ${format}`;
    const opaque = format.endsWith('X');
    usePixels(number, format.startsWith('BGR') ? 'BGRX' : 'RGBX', purpose, { opaque, drawn }, misfit);
  };

  /** The same for rows read from a WebGL canvas, which are upside down. */
  const takeRows = ({ canvas: number, rows, columns, opaque, drawn, purpose }: Extract<TapMessage, Rows>) => {
    const pixels = canvasBuffer(rows.byteLength);
    const lines = rows.byteLength / (columns * 4);
    for (let line = 0; line < lines; line++) {
      pixels.set(new Uint8Array(rows, line * columns * 4, columns * 4), (lines - 1 - line) * columns * 4);
    }
    globalThis.postMessage({ memory: rows }, { transfer: [rows] });
    const isFitting = columns === size.width && lines === size.height;
    usePixels(number, 'RGBX', purpose, { opaque, drawn }, isFitting ? '' : `its picture is ${columns}x${lines}`);
  };

  const encodeWith = (config: FrameTapEncoder) => {
    if (encoder?.state === 'configured') encoder.close();
    isFirst = true;
    encoder = new VideoEncoder({
      output: (chunk) => {
        const packet = new Uint8Array(NUMBER_BYTES + chunk.byteLength);
        chunk.copyTo(packet.subarray(NUMBER_BYTES));
        send(Math.round((chunk.timestamp * fps.num) / (fps.den * 1e6)), packet);
      },
      error: fail,
    });
    encoder.configure({
      ...config,
      hardwareAcceleration: 'prefer-software',
      // Each frame yields one packet at once.
      latencyMode: 'realtime',
      avc: { format: 'annexb' },
    });
  };

  globalThis.onmessage = ({ data }: MessageEvent<TapMessage>) => {
    if ('url' in data) {
      writeFile = ours.genlockFrameFile(data.file, async () => (await ask('file')) !== '');
      size = { width: data.width, height: data.height };
      void connect(data.url).then((refusal) => postMessage(refusal));
    } else if ('readable' in data) read(data.readable, data.first).catch(fail);
    else if ('take' in data) take(data.take, data.since, data.patienceMs, data.purpose).catch(fail);
    else if ('unchanged' in data) takeCaptured(data.unchanged, newestFrame(), data.purpose);
    else if ('supplied' in data) takeSupplied(data.supplied, data.pixels);
    else if ('rows' in data) takeRows(data);
    else if ('canvas' in data) takeCanvas(data.canvas, data.picture, data.drawn, data.purpose).catch(fail);
    else if ('compare' in data) compare(data.compare).catch(fail);
    else {
      ({ fps } = data);
      encodeWith(data.encoder);
    }
  };
}
