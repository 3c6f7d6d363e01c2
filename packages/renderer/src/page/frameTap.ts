import type { coveringCanvas } from './coveringCanvas.js';
import type { readWebGl } from './readWebGl.js';

/**
 * What takes the frames out of the browser: a piece of script in a world of its own beside the page,
 * where the page's clock and its globals are out of reach, and a worker that copies or encodes them.
 * Sent there as source text, like everything in this folder.
 */

export interface FrameTapConfig {
  /** Where frames go: a loopback address with a token that no page can know. */
  url: string;
  /** Name and first bytes of the worker's file. The page may find them: they say nothing about the address. */
  file: string;
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

/** The function `readWebGl`. */
export const READ_WEBGL = 'genlockReadWebGl';

/** What the worker finds in its own: the function `planesOf`. */
export const PLANES_OF = 'genlockPlanesOf';

/** The function `canvasRefusal`. */
export const CANVAS_REFUSAL = 'genlockCanvasRefusal';

/** What the worker's encoder is set to. */
export type FrameTapEncoder = Pick<VideoEncoderConfig, 'codec' | 'width' | 'height' | 'bitrate' | 'framerate'>;

/** What the worker is asked. Numbers of frames are those of the composition. */
export type FrameTapRequest =
  /** Takes the newest frame, once one was drawn not before this moment (microseconds of the system's monotonic clock). */
  | { take: number; since: number; patienceMs: number; purpose: Purpose }
  /** Takes the newest frame, which may have been taken before: nothing has changed since it was drawn. */
  | { unchanged: number; purpose: Purpose }
  /** Takes a frame with these pixels (BGRX), in base64: it was taken otherwise. */
  | { supplied: number; pixels: string }
  /**
   * Takes what is on the canvas. `drawn`: the page was drawn since, and a canvas of WebGL may have
   * been emptied by that.
   */
  | { canvas: number; drawn: boolean; purpose: Purpose }
  /** Compares the picture of the page that the server has with the frame that was taken last. */
  | { compare: number };

/** What is to become of what is taken: a frame of the video, or nothing yet. */
export type Purpose = 'video' | 'none';

/**
 * What becomes of a frame that was asked for: why there is none; the empty string when there is one, and its bytes
 * will come; or the number of its bytes, which lie in the file that the server knows.
 */
export type CaptureOutcome = string | number;

/** What the worker asks the server: whether it has found the file, or for the picture. */
export type FrameQuestion = 'file' | 'picture';

/** The answer to a request. */
export interface CaptureAnswer {
  frame: number;
  outcome: CaptureOutcome;
}

/** What is on a canvas, read from its WebGL: four bytes a pixel (RGBA), the lowest row first. */
export interface Rows {
  rows: ArrayBuffer;
  columns: number;
  /** Whether the canvas has no transparency. */
  opaque: boolean;
}

interface CapturedFrames {
  readonly readable: ReadableStream<VideoFrame>;
}

/** What the worker gets beside requests. */
export type TapMessage =
  | { url: string; file: string; width: number; height: number }
  /** Frames of the compositor come from here; when the first one does, the answer with this number says so. */
  | { readable: ReadableStream<VideoFrame>; first: number }
  /** Encodes from now on, with a new encoder whose first frame is a key frame. Without one pixels are sent. */
  | { encoder: FrameTapEncoder; fps: { num: number; den: number } }
  | Exclude<FrameTapRequest, { canvas: number }>
  | ({ canvas: number; drawn: boolean; purpose: Purpose } & ({ picture: VideoFrame } | Rows));

/** Starts the worker. Resolves when it is ready, to the empty string; or to why there can be none. */
export function openFrameTap(config: FrameTapConfig): Promise<string> {
  /** The number of the answer that says that the first captured frame has come, which nobody has asked for. */
  const FIRST = -2;
  /** It takes some 5 ms where nothing else runs. */
  const FIRST_PATIENCE_MS = 20;
  const { url, file, width, height, view, mark } = config;
  const waiting = new Map<number, { resolve: (outcome: CaptureOutcome) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;
  /** WebGL by canvas, of those that have been seen with a picture: only then do they have a context for certain. */
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
        // It is drawn elsewhere.
        return undefined;
      }
    };
    /** In a quarter of the time that a `VideoFrame` takes. Undefined where its pixels would be others. */
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
      const isSeen = outcome === '' || typeof outcome === 'number';
      if (isSeen && !contexts.has(canvas)) contexts.set(canvas, findContext(canvas));
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
          // Neither scaled nor thinned out.
          resizeMode: 'none',
          width,
          height,
          frameRate: 1000,
        },
        preferCurrentTab: true,
      } as DisplayMediaStreamOptions);
      const [track] = stream.getVideoTracks();
      captured = track;
      // The browser takes the page for one that its user has touched. This takes that back, and does nothing else.
      if (navigator.userActivation.isActive) document.createElement('input').showPicker();
      const Processor = (globalThis as unknown as { MediaStreamTrackProcessor: new (init: object) => CapturedFrames })
        .MediaStreamTrackProcessor;
      const { readable } = new Processor({ track, maxBufferSize: 4 });
      send({ readable, first: FIRST }, [readable]);
      let isThere = false;
      const first = answer(FIRST).finally(() => (isThere = true));
      for (;;) {
        await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_PATIENCE_MS))]);
        if (isThere) return first;
        // A capture that begins between two frames has none to give before the page changes, except to a new onlooker.
        const onlooker = track!.clone();
        const glance = new Processor({ track: onlooker, maxBufferSize: 1 }).readable.getReader().read();
        void glance.then(({ value }) => value?.close()).finally(() => onlooker.stop());
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
