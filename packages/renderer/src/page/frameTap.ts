import type { coveringCanvas } from './coveringCanvas.js';
import type { readWebGl } from './readWebGl.js';

/**
 * The frame tap gets frames out of the browser: a script in an isolated world of the page, which shares neither the
 * page's clock nor its globals, and a worker that copies or encodes the frames. Both are sent there as source text,
 * like everything in this folder.
 */

export interface FrameTapConfig {
  /** The server to send frames to: a loopback URL with a secret token. */
  url: string;
  /** Name and first bytes of the worker's file. The page may find them, but they reveal nothing about the URL. */
  file: string;
  /** Size of the picture in pixels. */
  width: number;
  height: number;
  /** Size of the view in CSS pixels. */
  view: { width: number; height: number };
  /** Suffix of the worker's URL. */
  mark: string;
  /** Source text of the worker. */
  worker: string;
}

/** The global in the isolated world that holds the function `coveringCanvas`. */
export const FIND_CANVAS = 'genlockFindCanvas';

/** The global in the isolated world that holds the function `readWebGl`. */
export const READ_WEBGL = 'genlockReadWebGl';

/** The global in the worker that holds the function `planesOf`. */
export const PLANES_OF = 'genlockPlanesOf';

/** The global in the worker that holds the function `canvasRefusal`. */
export const CANVAS_REFUSAL = 'genlockCanvasRefusal';

/** The global in the worker that holds the function `frameDifference`. */
export const FRAME_DIFFERENCE = 'genlockFrameDifference';

/** The global in the worker that holds the function `frameFile`. */
export const FRAME_FILE = 'genlockFrameFile';

/** The configuration of the worker's encoder. */
export type FrameTapEncoder = Pick<VideoEncoderConfig, 'codec' | 'width' | 'height' | 'bitrate' | 'framerate'>;

/** A request to the worker. Frames are numbered as in the composition. */
export type FrameTapRequest =
  /** Takes the newest frame that was drawn at or after `since` (microseconds of the system's monotonic clock). */
  | { take: number; since: number; patienceMs: number; purpose: Purpose }
  /** Takes the newest frame, even if it was taken before: the page has not changed since it was drawn. */
  | { unchanged: number; purpose: Purpose }
  /** Uses these pixels (BGRX, in base64) of a frame that was captured in another way. */
  | { supplied: number; pixels: string }
  /**
   * Takes the content of the canvas. `drawn`: the browser has drawn the page since, which may have cleared a WebGL
   * canvas.
   */
  | { canvas: number; drawn: boolean; purpose: Purpose }
  /** Compares the server's screenshot of the page with the last frame taken. */
  | { compare: number };

/** What a frame is taken for: the video, or nothing (yet), so that it can be compared. */
export type Purpose = 'video' | 'none';

/**
 * The outcome of a request for a frame: the reason why there is none; the empty string if there is one and its bytes
 * will follow; or the number of its bytes, if they are in the file shared with the server.
 */
export type CaptureOutcome = string | number;

/** What the worker asks the server: whether it has found the file, or to send the screenshot. */
export type FrameQuestion = 'file' | 'picture';

/** The answer to a request. */
export interface CaptureAnswer {
  frame: number;
  outcome: CaptureOutcome;
}

/** The content of a WebGL canvas: four bytes a pixel (RGBA), the bottom row first. */
export interface Rows {
  rows: ArrayBuffer;
  columns: number;
  /** Whether the canvas has no transparency. */
  opaque: boolean;
}

interface CapturedFrames {
  readonly readable: ReadableStream<VideoFrame>;
}

/** A message to the worker. */
export type TapMessage =
  | { url: string; file: string; width: number; height: number }
  /** A stream of the compositor's frames. The first one is reported by an answer with the number `first`. */
  | { readable: ReadableStream<VideoFrame>; first: number }
  /** From now on, encode frames with a new encoder, which starts with a key frame. Before this, pixels are sent. */
  | { encoder: FrameTapEncoder; fps: { num: number; den: number } }
  | Exclude<FrameTapRequest, { canvas: number }>
  | ({ canvas: number; drawn: boolean; purpose: Purpose } & ({ picture: VideoFrame } | Rows));

/** Starts the worker. Resolves to the empty string when it is ready, or to the reason why it cannot run. */
export function openFrameTap(config: FrameTapConfig): Promise<string> {
  /** The number of the unrequested answer that reports the first captured frame. */
  const FIRST = -2;
  /** How long to wait for the first captured frame, in milliseconds; on an idle machine it takes about 5 ms. */
  const FIRST_PATIENCE_MS = 20;
  const { url, file, width, height, view, mark } = config;
  const waiting = new Map<number, { resolve: (outcome: CaptureOutcome) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;
  /** The WebGL contexts of canvases that have delivered a picture: only then do they certainly have a context. */
  const contexts = new WeakMap<HTMLCanvasElement, WebGLRenderingContext | WebGL2RenderingContext | undefined>();
  let memory = new ArrayBuffer(0);

  const open = async (): Promise<string> => {
    if (!globalThis.isSecureContext)
      return 'its address is not one that the browser trusts (https, file or a local host)';
    const address = URL.createObjectURL(new Blob([config.worker], { type: 'text/javascript' }));
    const worker = new Worker(address + mark);
    const ready = new Promise<string>((resolve) => {
      worker.onmessage = ({ data }) => resolve(String(data));
      worker.onerror = ({ message }) => resolve(message || 'its rules (Content-Security-Policy) let no worker start');
    });
    const send = (message: TapMessage, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
    send({ url, file, width, height });
    const refusal = await ready;
    worker.onmessage = ({ data }: MessageEvent<CaptureAnswer | { failure: string } | { memory: ArrayBuffer }>) => {
      if ('failure' in data) {
        failure = new Error(data.failure);
        for (const { reject } of waiting.values()) reject(failure);
      } else if ('memory' in data) ({ memory } = data);
      else waiting.get(data.frame)?.resolve(data.outcome);
    };

    const answer = async (frame: number): Promise<CaptureOutcome> => {
      if (failure) throw failure;
      try {
        return await new Promise<CaptureOutcome>((resolve, reject) => waiting.set(frame, { resolve, reject }));
      } finally {
        waiting.delete(frame);
      }
    };
    const ours = globalThis as unknown as Record<typeof FIND_CANVAS, typeof coveringCanvas> &
      Record<typeof READ_WEBGL, typeof readWebGl>;
    const findContext = (canvas: HTMLCanvasElement) => {
      try {
        const names = ['webgl2', 'webgl'] as const;
        return names.map((name) => canvas.getContext(name) as WebGLRenderingContext | null).find(Boolean) ?? undefined;
      } catch {
        // The canvas has been transferred to an OffscreenCanvas.
        return undefined;
      }
    };
    /** Takes a quarter of the time of a `VideoFrame`. Undefined if the pixels would not be the same. */
    const readRows = (gl: WebGLRenderingContext | WebGL2RenderingContext): Rows | undefined => {
      const { drawingBufferWidth: columns, drawingBufferHeight: lines, drawingBufferColorSpace: space } = gl;
      // 0x8058 is RGBA8, 0x8051 is RGB8; not yet in TypeScript's library.
      const { drawingBufferFormat: format = 0x8058 } = gl as { drawingBufferFormat?: number };
      const attributes = gl.getContextAttributes();
      if (!attributes || gl.isContextLost() || space !== 'srgb' || ![0x8058, 0x8051].includes(format)) return undefined;
      const bytes = columns * lines * 4;
      const rows = memory.byteLength === bytes ? memory : new ArrayBuffer(bytes);
      ours.genlockReadWebGl(gl, columns, lines, new Uint8Array(rows));
      return { rows, columns, opaque: attributes.alpha === false };
    };
    const askForCanvas = async (
      canvas: HTMLCanvasElement | string,
      request: Extract<FrameTapRequest, { canvas: number }>,
    ): Promise<CaptureOutcome> => {
      if (typeof canvas === 'string') return canvas;
      try {
        const gl = contexts.get(canvas);
        const read = gl && readRows(gl);
        if (read) send({ ...request, ...read }, [read.rows]);
        else {
          const picture = new VideoFrame(canvas, { timestamp: 0 });
          send({ ...request, picture }, [picture]);
        }
      } catch (error) {
        return `its canvas cannot be read: ${String(error)}`;
      }
      const outcome = await answer(request.canvas);
      const isTaken = outcome === '' || typeof outcome === 'number';
      if (isTaken && !contexts.has(canvas)) contexts.set(canvas, findContext(canvas));
      return outcome;
    };
    const ask = (request: FrameTapRequest): Promise<CaptureOutcome> | CaptureOutcome => {
      if ('canvas' in request) {
        const canvas = ours.genlockFindCanvas(view.width, view.height);
        return askForCanvas(canvas, request);
      }
      send(request);
      return answer(Object.values(request)[0] as number);
    };
    let captured: MediaStreamTrack | undefined;
    const captureTab = async () => {
      captured?.stop();
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: {
          displaySurface: 'browser',
          cursor: 'never',
          // No scaling, and no limit to the frame rate.
          resizeMode: 'none',
          width,
          height,
          frameRate: 1000,
        },
        preferCurrentTab: true,
      } as DisplayMediaStreamOptions);
      const [track] = stream.getVideoTracks();
      captured = track;
      // Capturing has given the page a user activation. This call consumes it, and has no other effect.
      if (navigator.userActivation.isActive) document.createElement('input').showPicker();
      const Processor = (globalThis as unknown as { MediaStreamTrackProcessor: new (init: object) => CapturedFrames })
        .MediaStreamTrackProcessor;
      const { readable } = new Processor({ track, maxBufferSize: 4 });
      send({ readable, first: FIRST }, [readable]);
      let hasFirst = false;
      const first = answer(FIRST).finally(() => (hasFirst = true));
      for (;;) {
        await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_PATIENCE_MS))]);
        if (hasFirst) return first;
        // A capture that starts between two frames delivers none until the page changes, except to a new consumer.
        const spareTrack = track!.clone();
        const firstFrame = new Processor({ track: spareTrack, maxBufferSize: 1 }).readable.getReader().read();
        void firstFrame.then(({ value }) => value?.close()).finally(() => spareTrack.stop());
      }
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
