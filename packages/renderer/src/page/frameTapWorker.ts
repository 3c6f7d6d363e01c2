import type { CanvasKind, canvasRefusal } from './canvasRefusal.js';
import type {
  CaptureAnswer,
  CANVAS_REFUSAL,
  FrameQuestion,
  FrameTapEncoder,
  TapMessage,
  CaptureOutcome,
  PLANES_OF,
  Purpose,
  Rows,
} from './frameTap.js';
import type { planesOf } from './planes.js';

/** What the browser lets a page have a file of its own in. Storage buckets are not in TypeScript's library yet. */
interface FilePlace {
  getDirectory(): Promise<FileSystemDirectoryHandle>;
}

/** What a worker can do with a file of its own, which is not in TypeScript's library of pages. */
interface OpenFile {
  write(data: Uint8Array<ArrayBuffer>, options?: { at: number }): number;
}

/**
 * Runs in the worker. The packet of each frame is one message, which begins with its number; so are its pixels, where
 * there is no file for them.
 */
export function frameTapWorker(): void {
  const ours = globalThis as unknown as Record<typeof PLANES_OF, typeof planesOf> &
    Record<typeof CANVAS_REFUSAL, typeof canvasRefusal>;
  /** Rows that are compared at once; an even number. */
  const STRIP = 64;
  /** Bytes of the number that a message begins with. */
  const NUMBER_BYTES = 4;
  let socket: WebSocket;
  /** Those who wait for answers of the server, which come in the order of the questions. */
  const asking: ((answer: string | ArrayBuffer) => void)[] = [];
  let name = '';
  let size = { width: 0, height: 0 };
  let capture: ReadableStreamDefaultReader<VideoFrame> | undefined;
  /** The newest frame, if nobody has asked for it yet. */
  let captured: VideoFrame | undefined;
  /** The one that was taken or looked at last. */
  let last: VideoFrame | undefined;
  let arrived = () => {};
  let encoder: VideoEncoder | undefined;
  let isFirst = false;
  let fps = { num: 1, den: 1 };
  /** Used again: megabytes a frame would lie about until somebody collects them. With room for the number. */
  const spare: Uint8Array<ArrayBuffer>[] = [];
  /** What is on the canvas. Used again, too: a frame is made of a copy, in memory that the browser keeps. */
  let canvasPixels = new Uint8Array();
  // One after the other: frames leave in their order.
  let line: Promise<unknown> = Promise.resolve();

  /** Resolves to why there is no connection; to the empty string once there is. */
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
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => asking.shift()?.(data);
      socket.onclose = () => fail('the connection to Genlock has ended');
    });
  const ask = (question: FrameQuestion) =>
    new Promise<string | ArrayBuffer>((resolve) => {
      asking.push(resolve);
      socket.send(question);
    });
  /** Sends a frame. The first bytes are room for its number. */
  const send = (number: number, message: Uint8Array<ArrayBuffer>) => {
    new DataView(message.buffer).setInt32(0, number);
    socket.send(message);
  };
  let file: Promise<OpenFile | undefined> | undefined;
  /** A file of the browser's profile, in a bucket out of the page's sight. The server knows it by its name, which is in it. */
  const openFile = async (): Promise<OpenFile | undefined> => {
    const { storageBuckets } = navigator as { storageBuckets?: { open(name: string): Promise<FilePlace> } };
    const place = (await storageBuckets?.open('genlock')) ?? navigator.storage;
    // One that was here before may still have its own.
    const entry = await (await place.getDirectory()).getFileHandle(name, { create: true });
    const opened = await (entry as unknown as { createSyncAccessHandle(): Promise<OpenFile> }).createSyncAccessHandle();
    opened.write(new TextEncoder().encode(name));
    return (await ask('file')) === '' ? undefined : opened;
  };
  /** Whether these bytes are in the file. Not where there is none, as in a profile without a disk, or no space. */
  const writeFile = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> => {
    try {
      file ??= openFile();
      return (await file)?.write(bytes, { at: 0 }) === bytes.byteLength;
    } catch {
      file = Promise.resolve(undefined);
      return false;
    }
  };
  const fail = (error: unknown) => postMessage({ failure: String(error) });
  const enqueue = (work: () => Promise<unknown>) => {
    line = line.then(work).catch(fail);
  };

  /** The newest frame, which is the last from now on. */
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
      // The browser has only so many: those that nobody has asked for make room.
      (isOld ? value : captured)?.close();
      if (isOld) return;
      captured = value;
      if (isNew) answer(first);
      arrived();
    }
  };

  /** The newest frame, once there is one that was drawn not before this moment. */
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
    // Planes come as they are; a canvas gives four bytes a pixel, in an order that differs between systems.
    const options: VideoFrameCopyToOptions = frame.format === 'I420' ? {} : { format: 'BGRX' };
    const message = spare.pop() ?? new Uint8Array(NUMBER_BYTES + frame.allocationSize(options));
    const pixels = message.subarray(NUMBER_BYTES);
    const copied = frame.copyTo(pixels, options);
    enqueue(async () => {
      await copied;
      if (await writeFile(pixels)) answer(number, pixels.byteLength);
      else {
        // The page may go on: its bytes follow.
        answer(number);
        send(number, message);
      }
      spare.push(message);
    });
  };

  const use = (number: number, make: () => VideoFrame, purpose: Purpose) => {
    const isSent = purpose === 'video' && !encoder;
    // The page may go on before the frame is made.
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
    if (!frame) answer(number, 'a frame that was drawn did not come');
    else if (fits(frame)) use(number, () => frame, purpose);
    else answer(number, `it is ${frame.displayWidth}x${frame.displayHeight} large`);
  };

  const take = async (number: number, since: number, patienceMs: number, purpose: Purpose) => {
    const frame = await drawnSince(since, patienceMs);
    takeCaptured(number, frame?.format === 'I420' ? frame : undefined, purpose);
  };

  /**
   * A frame of pixels without transparency, which are to become BT.709 in limited range: of a canvas's own
   * frame the encoder makes full range, which many players do not expect.
   */
  const frameOf = (pixels: Uint8Array<ArrayBuffer>, format: 'BGRX' | 'RGBX'): VideoFrame => {
    const { width: codedWidth, height: codedHeight } = size;
    const colorSpace = { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'rgb', fullRange: false } as const;
    return new VideoFrame(pixels, { format, codedWidth, codedHeight, timestamp: 0, colorSpace });
  };

  const takeGiven = (number: number, text: string) => {
    const pixels = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    use(number, () => frameOf(pixels, 'BGRX'), 'video');
  };

  /** For the pixels of a canvas. */
  const room = (bytes: number): Uint8Array<ArrayBuffer> => {
    if (canvasPixels.byteLength !== bytes) canvasPixels = new Uint8Array(bytes);
    return canvasPixels;
  };

  /** Compares strip by strip: a picture has megabytes, and nobody looks at it twice. */
  const differenceFrom = async (frame: VideoFrame): Promise<string> => {
    const { width, height } = size;
    const data = (await ask('picture')) as ArrayBuffer;
    const decoder = new ImageDecoder({ data, type: 'image/png', colorSpaceConversion: 'none' });
    const { image } = await decoder.decode();
    try {
      if (!fits(image)) return 'it has another size';
      const isPlanar = frame.format === 'I420';
      const format = isPlanar ? 'RGBX' : (frame.format as 'RGBX' | 'BGRX');
      for (let y = 0; y < height; y += STRIP) {
        const rect = { x: 0, y, width, height: Math.min(STRIP, height - y) };
        const shown = new Uint8Array(image.allocationSize({ format, rect }));
        const taken = new Uint8Array(frame.allocationSize({ rect }));
        await Promise.all([image.copyTo(shown, { format, rect }), frame.copyTo(taken, { rect })]);
        const wanted = isPlanar ? ours.genlockPlanesOf(shown, width, rect.height) : shown;
        for (let at = 0; at < wanted.length; at++) {
          // The fourth byte of a pixel means nothing.
          if (wanted[at] !== taken[at] && (isPlanar || at % 4 < 3)) return `it differs below ${y}`;
        }
      }
      return '';
    } finally {
      image.close();
      decoder.close();
    }
  };

  const compare = async (number: number) => {
    answer(number, last ? await differenceFrom(last) : 'no frame was taken');
  };

  /** Takes what is in the memory for the pixels of a canvas, unless there is a reason not to. */
  const usePixels = (number: number, format: 'BGRX' | 'RGBX', purpose: Purpose, kind: CanvasKind, misfit: string) => {
    const refusal = misfit || ours.genlockCanvasRefusal(canvasPixels, kind);
    if (refusal === '') use(number, () => frameOf(canvasPixels, format), purpose);
    else answer(number, refusal);
  };

  const takeCanvas = async (number: number, picture: VideoFrame, drawn: boolean, purpose: Purpose) => {
    const { colorSpace, displayWidth, displayHeight } = picture;
    const format = String(picture.format);
    let misfit = fits(picture) ? '' : `its picture is ${displayWidth}x${displayHeight}`;
    await picture.copyTo(room(picture.allocationSize()));
    picture.close();
    if (colorSpace.primaries !== 'bt709' || colorSpace.transfer !== 'iec61966-2-1') {
      misfit ||= 'its canvas is not in sRGB';
    }
    if (!['BGRA', 'RGBA', 'BGRX', 'RGBX'].includes(format)) misfit ||= `its pixels are ${format}`;
    const opaque = format.endsWith('X');
    usePixels(number, format.startsWith('BGR') ? 'BGRX' : 'RGBX', purpose, { opaque, drawn }, misfit);
  };

  /** The same of what was read from the canvas. */
  const takeRows = ({ canvas: number, rows, columns, opaque, drawn, purpose }: Extract<TapMessage, Rows>) => {
    const pixels = room(rows.byteLength);
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
      // One packet out for each frame in.
      latencyMode: 'realtime',
      avc: { format: 'annexb' },
    });
  };

  globalThis.onmessage = ({ data }: MessageEvent<TapMessage>) => {
    if ('url' in data) {
      name = data.file;
      size = { width: data.width, height: data.height };
      void connect(data.url).then((refusal) => postMessage(refusal));
    } else if ('readable' in data) read(data.readable, data.first).catch(fail);
    else if ('take' in data) take(data.take, data.since, data.patienceMs, data.purpose).catch(fail);
    else if ('unchanged' in data) takeCaptured(data.unchanged, newestFrame(), data.purpose);
    else if ('supplied' in data) takeGiven(data.supplied, data.pixels);
    else if ('rows' in data) takeRows(data);
    else if ('canvas' in data) takeCanvas(data.canvas, data.picture, data.drawn, data.purpose).catch(fail);
    else if ('compare' in data) compare(data.compare).catch(fail);
    else {
      ({ fps } = data);
      encodeWith(data.encoder);
    }
  };
}
