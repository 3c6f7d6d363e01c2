import type { coveringCanvas } from './coveringCanvas.js';
import type { ElementStage, STAGE_KEY } from './elementStage.js';

/**
 * What takes the frames out of the browser: a piece of script in a world of its own beside the page,
 * where the page's clock and its globals are out of reach, and a worker that copies or encodes them.
 * Sent there as source text, like everything in this folder.
 */

export interface FrameTapConfig {
  /** Where frames go: a loopback address with a token that no page can know. */
  url: string;
  /** Size of the picture in pixels. */
  width: number;
  height: number;
  /** Size of the view in CSS pixels. */
  view: { width: number; height: number };
  /** What the worker's address ends in. */
  mark: string;
  /** Source text of the worker. */
  worker: string;
}

/** What `openFrameTap` finds in its world: the function `coveringCanvas`. */
export const FIND_CANVAS = 'genlockFindCanvas';

/** What the worker's encoder is set to. */
export type FrameTapEncoder = Pick<VideoEncoderConfig, 'codec' | 'width' | 'height' | 'bitrate' | 'framerate'>;

/** What the worker is asked. Numbers of frames are those of the composition. */
export type FrameTapRequest =
  /** Takes the frame that was drawn not before this moment (microseconds of the system's monotonic clock). */
  | { take: number; since: number; patienceMs: number }
  /** Takes the newest frame, which may have been taken before: nothing has changed since it was drawn. */
  | { again: number }
  /** Takes a frame with these pixels, in base64: it was drawn, but did not come. */
  | { give: number; pixels: string; format: 'I420' | 'BGRX' }
  /**
   * Takes what is on the canvas. `drawn`: the page was drawn since, and a canvas of WebGL may have
   * been emptied by that. `look`: only its pixels are sent, as they are.
   */
  | { canvas: number; drawn: boolean; look: boolean }
  /** The same of the canvas into which the page was drawn. */
  | { element: number; look: boolean };

/** The answer: why there is no such frame; the empty string when there is, and its data will come. */
interface Answer {
  frame: number;
  refusal: string;
}

interface CapturedFrames {
  readonly readable: ReadableStream<VideoFrame>;
}

/** What the worker gets beside requests. */
type Message =
  | { url: string; width: number; height: number }
  /** Frames of the compositor come from here. */
  | { readable: ReadableStream<VideoFrame> }
  /** Encodes from now on, with a new encoder whose first frame is a key frame. Without one pixels are sent. */
  | { encoder: FrameTapEncoder; fps: { num: number; den: number } }
  | Exclude<FrameTapRequest, { canvas: number } | { element: number }>
  | { canvas: number; drawn: boolean; look: boolean; picture: VideoFrame };

/** Starts the worker. Resolves when it is ready, to the empty string; or to why there can be none. */
export function openFrameTap(config: FrameTapConfig): Promise<string> {
  const { url, width, height, view, mark } = config;
  const waiting = new Map<number, { resolve: (refusal: string) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;

  const open = async (): Promise<string> => {
    if (!globalThis.isSecureContext)
      return 'its address is not one that the browser trusts (https, file or a local host)';
    const address = URL.createObjectURL(new Blob([config.worker], { type: 'text/javascript' }));
    const worker = new Worker(address + mark);
    const ready = new Promise<string>((resolve) => {
      worker.onmessage = ({ data }) => resolve(String(data));
      worker.onerror = ({ message }) => resolve(message || 'its rules (Content-Security-Policy) let no worker start');
    });
    const send = (message: Message, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
    send({ url, width, height });
    const refusal = await ready;
    worker.onmessage = ({ data }: MessageEvent<Answer | { failure: string }>) => {
      if ('failure' in data) {
        failure = new Error(data.failure);
        for (const { reject } of waiting.values()) reject(failure);
      } else waiting.get(data.frame)?.resolve(data.refusal);
    };

    const answer = async (frame: number): Promise<string> => {
      if (failure) throw failure;
      try {
        return await new Promise<string>((resolve, reject) => waiting.set(frame, { resolve, reject }));
      } finally {
        waiting.delete(frame);
      }
    };
    const ours = globalThis as unknown as Record<typeof FIND_CANVAS, typeof coveringCanvas> &
      Record<typeof STAGE_KEY, ElementStage>;
    const askForCanvas = (
      canvas: HTMLCanvasElement | string,
      request: Extract<FrameTapRequest, { canvas: number }>,
    ): Promise<string> | string => {
      if (typeof canvas === 'string') return canvas;
      try {
        const picture = new VideoFrame(canvas, { timestamp: 0 });
        send({ ...request, picture }, [picture]);
      } catch (error) {
        return `its canvas cannot be read: ${String(error)}`;
      }
      return answer(request.canvas);
    };
    const ask = (request: FrameTapRequest): Promise<string> | string => {
      if ('canvas' in request) {
        const canvas = ours.genlockFindCanvas(view.width, view.height);
        return askForCanvas(canvas, request);
      }
      if ('element' in request) {
        const { canvas, outcome } = ours.genlockStage;
        return askForCanvas(outcome === '' && canvas ? canvas : (outcome ?? 'it was not drawn'), {
          canvas: request.element,
          drawn: false,
          look: request.look,
        });
      }
      send(request);
      return answer('take' in request ? request.take : 'again' in request ? request.again : request.give);
    };
    const captureTab = async () => {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: {
          displaySurface: 'browser',
          cursor: 'never',
          // Neither scaled nor thinned out.
          resizeMode: 'none',
          width,
          height,
          frameRate: 1000,
        },
        preferCurrentTab: true,
      } as DisplayMediaStreamOptions);
      const [track] = stream.getVideoTracks();
      const Processor = (globalThis as unknown as { MediaStreamTrackProcessor: new (init: object) => CapturedFrames })
        .MediaStreamTrackProcessor;
      const { readable } = new Processor({ track, maxBufferSize: 4 });
      send({ readable }, [readable]);
      return '';
    };
    const refusalOf = async (encoder: FrameTapEncoder): Promise<string> => {
      const { supported } = await VideoEncoder.isConfigSupported(encoder);
      return supported ? '' : `${encoder.codec} at ${encoder.width}x${encoder.height}`;
    };
    const encodeWith = (encoder: FrameTapEncoder, fps: { num: number; den: number }) => {
      if (failure) throw failure;
      send({ encoder, fps });
    };
    const tap = { ask, captureTab: () => captureTab().catch(String), refusalOf, encodeWith };
    Object.assign(globalThis, { genlockTap: tap });
    return refusal;
  };
  return open().catch((error: unknown) => String(error));
}

/** Runs in the worker. The pixels or the packet of each frame is one POST to `<url>/<number>`. */
export function frameTapWorker(): void {
  let url = '';
  let size = { width: 0, height: 0 };
  const frames: VideoFrame[] = [];
  let last: VideoFrame | undefined;
  let arrived = () => {};
  let encoder: VideoEncoder | undefined;
  let isFirst = false;
  let fps = { num: 1, den: 1 };
  // One after the other: frames leave in their order.
  let line = Promise.resolve();

  const post = async (frame: number, body: BodyInit) => {
    await fetch(`${url}/${frame}`, { method: 'POST', body, mode: 'no-cors', cache: 'no-store' });
  };
  const fail = (error: unknown) => postMessage({ failure: String(error) });
  const enqueue = (work: () => Promise<void>) => {
    line = line.then(work).catch(fail);
  };

  const read = async (readable: ReadableStream<VideoFrame>) => {
    const reader = readable.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      frames.push(value);
      // The browser has only so many: those that nobody asks for make room.
      if (frames.length > 3) frames.shift()!.close();
      arrived();
    }
  };

  const drawnSince = async (since: number, patienceMs: number): Promise<VideoFrame | undefined> => {
    const until = performance.now() + patienceMs;
    for (;;) {
      while (frames.length > 0) {
        const frame = frames.shift()!;
        if (frame.timestamp >= since) return frame;
        frame.close();
      }
      const left = until - performance.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        arrived = resolve;
        setTimeout(resolve, left);
      });
    }
  };

  /** The page may go on as soon as the frame is ours; its bytes follow. */
  const answer = (frame: number, refusal = '') => postMessage({ frame, refusal } satisfies Answer);

  const sendPixels = (number: number, frame: VideoFrame) => {
    // Planes come as they are; a canvas gives four bytes a pixel, in an order that differs between systems.
    const options: VideoFrameCopyToOptions = frame.format === 'I420' ? {} : { format: 'BGRX' };
    const buffer = new Uint8Array(frame.allocationSize(options));
    const copied = frame.copyTo(buffer, options);
    enqueue(async () => {
      await copied;
      await post(number, buffer);
    });
  };

  const use = (number: number, frame: VideoFrame, look = false) => {
    if (frame !== last) last?.close();
    last = frame;
    answer(number);
    if (!encoder || look) {
      sendPixels(number, frame);
      return;
    }
    const timed = new VideoFrame(frame, { timestamp: Math.round((number * fps.den * 1e6) / fps.num) });
    encoder.encode(timed, { keyFrame: isFirst });
    isFirst = false;
    timed.close();
  };

  const fits = ({ visibleRect }: VideoFrame) => visibleRect?.width === size.width && visibleRect.height === size.height;

  const take = async (number: number, since: number, patienceMs: number) => {
    const frame = await drawnSince(since, patienceMs);
    if (frame?.format === 'I420' && fits(frame)) {
      use(number, frame);
      return;
    }
    frame?.close();
    answer(number, 'a frame that was drawn did not come');
  };

  const takeNewest = (number: number) => {
    const newest = frames.pop() ?? last;
    while (frames.length > 0) frames.shift()!.close();
    if (newest) use(number, newest);
    else answer(number, 'no frame was drawn');
  };

  /**
   * A frame of pixels without transparency. Those of red, green and blue are to become BT.709 in limited
   * range: of a canvas's own frame the encoder makes full range, which many players do not expect.
   */
  const frameOf = (pixels: Uint8Array<ArrayBuffer>, format: 'I420' | 'BGRX' | 'RGBX'): VideoFrame => {
    const { width: codedWidth, height: codedHeight } = size;
    const rgb = { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'rgb', fullRange: false } as const;
    const colours = format === 'I420' ? {} : { colorSpace: rgb };
    const init = { format, codedWidth, codedHeight, timestamp: 0, transfer: [pixels.buffer], ...colours };
    return new VideoFrame(pixels, init);
  };

  const takeGiven = (number: number, text: string, format: 'I420' | 'BGRX') => {
    use(
      number,
      frameOf(
        Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
        format,
      ),
    );
  };

  /** Why these pixels of a canvas are not what the page shows; the empty string where they are. */
  const refusalOf = (pixels: Uint8Array<ArrayBuffer>, opaque: boolean, drawn: boolean): string => {
    if (opaque && !drawn) return '';
    const numbers = new Uint32Array(pixels.buffer);
    // Alpha is the last byte in memory, and so the highest one of these numbers.
    let every = 0xffffffff;
    let any = 0;
    for (let index = 0; index < numbers.length; index++) {
      every &= numbers[index]!;
      any |= numbers[index]!;
    }
    if (!opaque && every >>> 24 !== 0xff) return 'its canvas lets through what is behind it';
    // A black one is as good as an empty one: a screenshot tells the two apart.
    return drawn && (any & 0xffffff) === 0 ? 'its canvas may have been emptied' : '';
  };

  const takeCanvas = async (number: number, picture: VideoFrame, drawn: boolean, look: boolean) => {
    const { format, colorSpace, displayWidth, displayHeight } = picture;
    const isFitting = fits(picture);
    const pixels = new Uint8Array(picture.allocationSize());
    await picture.copyTo(pixels);
    picture.close();
    if (!isFitting) answer(number, `its picture is ${displayWidth}x${displayHeight}`);
    else if (colorSpace.primaries !== 'bt709' || colorSpace.transfer !== 'iec61966-2-1') {
      answer(number, 'its canvas is not in sRGB');
    } else if (format !== 'BGRA' && format !== 'RGBA' && format !== 'BGRX' && format !== 'RGBX') {
      answer(number, `its pixels are ${format}`);
    } else {
      const refusal = refusalOf(pixels, format.endsWith('X'), drawn);
      if (refusal === '') use(number, frameOf(pixels, format.startsWith('BGR') ? 'BGRX' : 'RGBX'), look);
      else answer(number, refusal);
    }
  };

  const encodeWith = (config: FrameTapEncoder) => {
    if (encoder?.state === 'configured') encoder.close();
    isFirst = true;
    encoder = new VideoEncoder({
      output: (chunk) => {
        const packet = new Uint8Array(chunk.byteLength);
        chunk.copyTo(packet);
        const number = Math.round((chunk.timestamp * fps.num) / (fps.den * 1e6));
        enqueue(() => post(number, packet));
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

  globalThis.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('url' in data) {
      ({ url } = data);
      size = { width: data.width, height: data.height };
      fetch(`${url}/ready`, { method: 'POST', mode: 'no-cors' }).then(
        () => postMessage(''),
        () => postMessage('its rules (Content-Security-Policy) allow no connection to Genlock'),
      );
    } else if ('readable' in data) read(data.readable).catch(fail);
    else if ('take' in data) take(data.take, data.since, data.patienceMs).catch(fail);
    else if ('again' in data) takeNewest(data.again);
    else if ('give' in data) takeGiven(data.give, data.pixels, data.format);
    else if ('canvas' in data) takeCanvas(data.canvas, data.picture, data.drawn, data.look).catch(fail);
    else {
      ({ fps } = data);
      encodeWith(data.encoder);
    }
  };
}
