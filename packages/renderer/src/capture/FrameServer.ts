import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import type { FrameQuestion } from '../page/frameTap.js';

/** So many frames may be in memory at once: the encoder has one, one is on its way to it, one is looked at. */
const FRAMES_HELD = 3;

/** What a packet may have beyond the bytes of its pixels: its headers, which count where a picture is tiny. */
const PACKET_BYTES = 64 * 1024;

/** A message with the bytes of a frame begins with its number: a signed integer, big-endian. */
const NUMBER_BYTES = 4;

interface Expected {
  resolve: (data: readonly Buffer[]) => void;
  reject: (error: Error) => void;
}

/**
 * Where a worker in the browser sends the bytes of frames: a loopback server with a token in its address. Only what
 * is expected is taken in, once, and no more of it than a frame can have: the page is somebody else's. It is a
 * WebSocket: a request would be shown to whoever holds the page's requests, together with its body. Pixels are
 * megabytes, and a message is copied from process to process, each time into new memory: they are read from a file
 * that the browser keeps for the worker, where it has one.
 */
export class FrameServer implements AsyncDisposable {
  readonly #http = createServer();
  readonly #sockets: WebSocketServer;
  readonly #token = randomUUID();
  readonly #expected = new Map<number, Expected>();
  readonly #maxBytes: number;
  /** The questions that are being answered, one after the other. */
  #answering = Promise.resolve();
  /** Where the worker puts pixels. */
  #file: FileHandle | undefined;
  /** Used again: to come by new memory for each frame costs more than to read it. */
  readonly #memory: Buffer[] = [];
  /** The picture that the worker may ask for. */
  picture: Buffer | undefined;

  /** What the file begins with by which it is known. Not the token: the page may find the file. */
  readonly mark = randomUUID();

  private constructor(
    /** The directory of the browser's profile. */
    readonly profile: string,
    pixels: number,
  ) {
    this.#maxBytes = pixels * 4 + PACKET_BYTES;
    this.#sockets = new WebSocketServer({
      noServer: true,
      path: `/${this.#token}`,
      maxPayload: this.#maxBytes + NUMBER_BYTES,
      perMessageDeflate: false,
    });
    // Anybody on this machine may knock: what they bring is not taken in, and they are not waited for.
    this.#http.on('request', (_, response) => response.writeHead(404, { connection: 'close' }).end());
    this.#http.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (connected) => this.#listen(connected));
    });
  }

  /** For frames of so many pixels. */
  static async open(profile: string, pixels: number): Promise<FrameServer> {
    const server = new FrameServer(profile, pixels);
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/${this.#token}`;
  }

  /** How many bytes of frames it holds now. */
  get bytes(): number {
    return this.#memory.reduce((sum, { length }) => sum + length, 0);
  }

  /** The bytes of this frame, once they are here. Rejects when there are more than a frame can have. */
  expect(frame: number): Promise<readonly Buffer[]> {
    const data = new Promise<readonly Buffer[]>((resolve, reject) => this.#expected.set(frame, { resolve, reject }));
    // Whether anybody still waits for it then is not ours to say.
    data.catch(() => {});
    return data;
  }

  /** What the worker has put into the file. It lies in memory that the third frame after it gets. */
  async read(bytes: number): Promise<Buffer> {
    const used = this.#memory.length < FRAMES_HELD ? undefined : this.#memory.shift();
    const buffer = used?.length === bytes ? used : Buffer.allocUnsafeSlow(bytes);
    this.#memory.push(buffer);
    const read = await this.#file?.read(buffer, 0, bytes, 0);
    if (read?.bytesRead !== bytes) throw new Error(`the file of the browser has no ${bytes} bytes of a frame`);
    return buffer;
  }

  /** The frame does not come. */
  expectNot(frame: number): void {
    this.#expected.delete(frame);
  }

  /** Closes the server and the file: no frame comes after it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#sockets.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
    // One of them may be about to open the file.
    await this.#answering;
    await this.#file?.close();
  }

  #listen(socket: WebSocket): void {
    socket.on('message', (message: Buffer, isBinary) => {
      if (isBinary) this.#takeIn(message);
      else this.#answering = this.#answering.then(() => this.#answer(socket, message.toString())).catch(() => {});
    });
    // It ends after an error. Where the browser was ended, whoever waits for the frame waits for that, too.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return;
      const error = new Error(`the browser sends more than the ${this.#maxBytes} bytes that a frame can have`);
      for (const { reject } of this.#expected.values()) reject(error);
      this.#expected.clear();
    });
  }

  #takeIn(message: Buffer): void {
    if (message.length < NUMBER_BYTES) return;
    const frame = message.readInt32BE();
    this.#expected.get(frame)?.resolve([message.subarray(NUMBER_BYTES)]);
    this.#expected.delete(frame);
  }

  async #answer(socket: WebSocket, question: string): Promise<void> {
    if (question === ('picture' satisfies FrameQuestion)) socket.send(this.picture ?? '');
    else if (question === ('file' satisfies FrameQuestion)) socket.send((await this.#openFile()) ? 'yes' : '');
  }

  /** Finds the file, which begins with our mark. There is none where the profile is in memory. */
  async #openFile(): Promise<boolean> {
    const mark = Buffer.from(this.mark);
    for (const entry of await readdir(this.profile, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      // The browser has files that come and go.
      const file = await open(join(entry.parentPath, entry.name)).catch(() => undefined);
      try {
        const start = await file?.read(Buffer.alloc(mark.length + 1));
        if (start?.buffer.subarray(0, start.bytesRead).equals(mark)) {
          this.#file = file;
          return true;
        }
      } finally {
        if (file !== this.#file) await file?.close();
      }
    }
    return false;
  }
}
