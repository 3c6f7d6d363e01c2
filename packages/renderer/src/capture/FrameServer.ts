import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import type { FrameQuestion } from '../page/frameTap.js';

/** How many frames may be in memory at once: one in the encoder, one on its way to it, one being captured. */
const FRAMES_IN_MEMORY = 3;

/** How much larger than its raw pixels a packet may be: its headers matter when the picture is tiny. */
const PACKET_BYTES = 64 * 1024;

/** A message with the bytes of a frame begins with the frame's number: a signed integer, big-endian. */
const NUMBER_BYTES = 4;

interface Expected {
  resolve: (data: readonly Buffer[]) => void;
  reject: (error: Error) => void;
}

/**
 * Receives the bytes of frames from a worker in the browser: a loopback server with a token in its address. The page
 * is not trusted, so only expected frames are accepted, once each, and no more bytes than a frame can have.
 *
 * It is a WebSocket server, because an HTTP request would be intercepted with the page's other requests, together with
 * its body. The pixels of a frame are megabytes, and a message is copied from process to process, each time into new
 * memory. So where the browser keeps a file for the worker, pixels are read from that file instead.
 */
export class FrameServer implements AsyncDisposable {
  readonly #http = createServer();
  readonly #sockets: WebSocketServer;
  readonly #token = randomUUID();
  readonly #expected = new Map<number, Expected>();
  readonly #maxBytes: number;
  /** Settles when all questions so far are answered: they are answered one at a time. */
  #answering = Promise.resolve();
  /** The file into which the worker writes pixels. */
  #file: FileHandle | undefined;
  /** Buffers that are reused: allocating new memory for each frame costs more than reading the frame. */
  readonly #memory: Buffer[] = [];
  /** The picture that the worker may ask for. */
  picture: Buffer | undefined;

  /** The first bytes of the worker's file, which identify it. Not the token, since the page may find the file. */
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
    // Any program on this machine can connect: other requests are refused, and their bodies are not read.
    this.#http.on('request', (_, response) => response.writeHead(404, { connection: 'close' }).end());
    this.#http.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (connected) => this.#listen(connected));
    });
  }

  /** Opens a server for frames of `pixels` pixels each. */
  static async open(profile: string, pixels: number): Promise<FrameServer> {
    const server = new FrameServer(profile, pixels);
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/${this.#token}`;
  }

  /** The size of the frame buffers, in bytes. */
  get bytes(): number {
    return this.#memory.reduce((sum, { length }) => sum + length, 0);
  }

  /** Resolves with the bytes of this frame once they have arrived. Rejects if there are more than a frame can have. */
  expect(frame: number): Promise<readonly Buffer[]> {
    const data = new Promise<readonly Buffer[]>((resolve, reject) => this.#expected.set(frame, { resolve, reject }));
    // The caller may have stopped waiting by the time it rejects.
    data.catch(() => {});
    return data;
  }

  /** Reads the frame that the worker has written to the file. Its memory is reused by the third frame after it. */
  async read(bytes: number): Promise<Buffer> {
    const oldest = this.#memory.length < FRAMES_IN_MEMORY ? undefined : this.#memory.shift();
    const buffer = oldest?.length === bytes ? oldest : Buffer.allocUnsafeSlow(bytes);
    this.#memory.push(buffer);
    const read = await this.#file?.read(buffer, 0, bytes, 0);
    if (read?.bytesRead !== bytes) throw new Error(`the browser's file does not contain the ${bytes} bytes of a frame`);
    return buffer;
  }

  /** Stops expecting a frame, which will not be sent. */
  cancelExpected(frame: number): void {
    this.#expected.delete(frame);
  }

  /** Closes the server and the file: no more frames are received. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#sockets.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
    // An answer in progress may be about to open the file.
    await this.#answering;
    await this.#file?.close();
  }

  #listen(socket: WebSocket): void {
    socket.on('message', (message: Buffer, isBinary) => {
      if (isBinary) this.#receive(message);
      else this.#answering = this.#answering.then(() => this.#answer(socket, message.toString())).catch(() => {});
    });
    // An error closes the socket. If the browser has ended, that is reported elsewhere, and waiting for frames stops.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return;
      const error = new Error(`the browser sent more than the ${this.#maxBytes} bytes that a frame can have`);
      for (const { reject } of this.#expected.values()) reject(error);
      this.#expected.clear();
    });
  }

  #receive(message: Buffer): void {
    if (message.length < NUMBER_BYTES) return;
    const frame = message.readInt32BE();
    this.#expected.get(frame)?.resolve([message.subarray(NUMBER_BYTES)]);
    this.#expected.delete(frame);
  }

  async #answer(socket: WebSocket, question: string): Promise<void> {
    if (question === ('picture' satisfies FrameQuestion)) socket.send(this.picture ?? '');
    else if (question === ('file' satisfies FrameQuestion)) socket.send((await this.#openFile()) ? 'yes' : '');
  }

  /** Finds the worker's file, which begins with our mark. There is none if the profile is in memory. */
  async #openFile(): Promise<boolean> {
    const mark = Buffer.from(this.mark);
    for (const entry of await readdir(this.profile, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      // The browser may have deleted the file meanwhile.
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
