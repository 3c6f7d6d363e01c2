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
  /** What the worker's address ends in. */
  mark: string;
  /** Source text of the worker. */
  worker: string;
}

/** What the worker's encoder is set to. */
export type FrameTapEncoder = Pick<VideoEncoderConfig, 'codec' | 'width' | 'height' | 'bitrate' | 'framerate'>;

/** What the worker is told. Numbers of frames are those of the composition. */
export type FrameTapCommand =
  /** Takes the frame that was drawn not before this moment (microseconds of the system's monotonic clock). */
  | { take: number; since: number; patienceMs: number }
  /** Takes the newest frame, which may have been taken before: nothing has changed since it was drawn. */
  | { again: number }
  /** Takes a frame with these planes, in base64: it was drawn, but did not come. */
  | { give: number; planes: string }
  /** Encodes from now on, with a new encoder whose first frame is a key frame. Without one planes are sent. */
  | { encoder: FrameTapEncoder; fps: { num: number; den: number } };

/** What the worker answers to all but `encoder`: whether there is a frame, and its data will come. */
interface Answer {
  frame: number;
  taken: boolean;
}

interface CapturedFrames {
  readonly readable: ReadableStream<VideoFrame>;
}

/** Begins to capture this tab. Resolves when the worker is ready. Returns why it cannot be done, if so. */
export function openFrameTap({ url, width, height, mark, worker }: FrameTapConfig): Promise<string> {
  const open = async (): Promise<string> => {
    const capture = (globalThis.navigator as { mediaDevices?: MediaDevices }).mediaDevices;
    if (!capture) return 'its address is not one that the browser lets capture (https, file or a local host)';
    const stream = await capture.getDisplayMedia({
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
    const address = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
    const tap = new Worker(address + mark);
    const ready = new Promise<string>((resolve) => {
      tap.onmessage = ({ data }) => resolve(String(data));
      tap.onerror = ({ message }) => resolve(message || 'its rules (Content-Security-Policy) let no worker start');
    });
    tap.postMessage({ readable, url, width, height }, [readable]);
    const refusal = await ready;
    const waiting = new Map<number, { resolve: (taken: boolean) => void; reject: (error: Error) => void }>();
    let failure: Error | undefined;
    tap.onmessage = ({ data }: MessageEvent<Answer | { failure: string }>) => {
      if ('failure' in data) {
        failure = new Error(data.failure);
        for (const { reject } of waiting.values()) reject(failure);
      } else waiting.get(data.frame)?.resolve(data.taken);
    };
    const ask = async (command: Exclude<FrameTapCommand, { encoder: unknown }>): Promise<boolean> => {
      if (failure) throw failure;
      const frame = 'take' in command ? command.take : 'again' in command ? command.again : command.give;
      try {
        return await new Promise<boolean>((resolve, reject) => {
          waiting.set(frame, { resolve, reject });
          tap.postMessage(command);
        });
      } finally {
        waiting.delete(frame);
      }
    };
    const refusalOf = async (encoder: FrameTapEncoder): Promise<string> => {
      const { supported } = await VideoEncoder.isConfigSupported(encoder);
      return supported ? '' : `${encoder.codec} at ${encoder.width}x${encoder.height}`;
    };
    const encodeWith = (encoder: FrameTapEncoder, fps: { num: number; den: number }) => {
      if (failure) throw failure;
      tap.postMessage({ encoder, fps } satisfies FrameTapCommand);
    };
    Object.assign(globalThis, { genlockTap: { ask, refusalOf, encodeWith } });
    return refusal;
  };
  return open().catch((error: unknown) => String(error));
}

/** Runs in the worker. The planes or the packet of each frame is one POST to `<url>/<number>`. */
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
  const enqueue = (work: () => Promise<void>) => {
    line = line.then(work).catch((error: unknown) => {
      postMessage({ failure: String(error) });
    });
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
  const answer = (frame: number, taken: boolean) => postMessage({ frame, taken } satisfies Answer);

  const send = (number: number, frame: VideoFrame) => {
    answer(number, true);
    if (!encoder) {
      const buffer = new Uint8Array((size.width * size.height * 3) / 2);
      const copied = frame.copyTo(buffer);
      enqueue(async () => {
        await copied;
        await post(number, buffer);
      });
      return;
    }
    const timed = new VideoFrame(frame, { timestamp: Math.round((number * fps.den * 1e6) / fps.num) });
    encoder.encode(timed, { keyFrame: isFirst });
    isFirst = false;
    timed.close();
  };

  const use = (number: number, frame: VideoFrame) => {
    if (frame !== last) last?.close();
    last = frame;
    send(number, frame);
  };

  const take = async (number: number, since: number, patienceMs: number) => {
    const frame = await drawnSince(since, patienceMs);
    const fits =
      frame?.format === 'I420' && frame.visibleRect?.width === size.width && frame.visibleRect.height === size.height;
    if (!frame || !fits) {
      frame?.close();
      answer(number, false);
      return;
    }
    use(number, frame);
  };

  const takeNewest = (number: number) => {
    const newest = frames.pop() ?? last;
    while (frames.length > 0) frames.shift()!.close();
    if (newest) use(number, newest);
    else answer(number, false);
  };

  const takeGiven = (number: number, planes: string) => {
    const bytes = Uint8Array.from(atob(planes), (character) => character.charCodeAt(0));
    const { width: codedWidth, height: codedHeight } = size;
    use(number, new VideoFrame(bytes, { format: 'I420', codedWidth, codedHeight, timestamp: 0 }));
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
      error: (error) => {
        postMessage({ failure: String(error) });
      },
    });
    encoder.configure({
      ...config,
      hardwareAcceleration: 'prefer-software',
      // One packet out for each frame in.
      latencyMode: 'realtime',
      avc: { format: 'annexb' },
    });
  };

  type Message = FrameTapCommand | { readable: ReadableStream<VideoFrame>; url: string; width: number; height: number };
  globalThis.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('readable' in data) {
      ({ url } = data);
      size = { width: data.width, height: data.height };
      fetch(`${url}/ready`, { method: 'POST', mode: 'no-cors' }).then(
        () => {
          void read(data.readable);
          postMessage('');
        },
        () => postMessage('its rules (Content-Security-Policy) allow no connection to Genlock'),
      );
    } else if ('take' in data) {
      take(data.take, data.since, data.patienceMs).catch((error: unknown) => postMessage({ failure: String(error) }));
    } else if ('again' in data) {
      takeNewest(data.again);
    } else if ('give' in data) {
      takeGiven(data.give, data.planes);
    } else {
      ({ fps } = data);
      encodeWith(data.encoder);
    }
  };
}
