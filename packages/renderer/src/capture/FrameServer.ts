import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** So many frames may be in memory at once: the encoder has one, one is on its way to it, one is looked at. */
const FRAMES_HELD = 3;

/** What a packet may have beyond the bytes of its pixels: its headers, which count where a picture is tiny. */
const PACKET_BYTES = 64 * 1024;

interface Expected {
  resolve: (data: readonly Buffer[]) => void;
  reject: (error: Error) => void;
}

/**
 * Where a worker in the browser sends the bytes of frames: a loopback server with a token in its address. Only what
 * is expected is taken in, once, and no more of it than a frame can have: the page is somebody else's. Pixels are
 * megabytes, and a body is copied from process to process, each time into new memory: they are read from a file that
 * the browser keeps for the worker, where it has one.
 */
export class FrameServer implements AsyncDisposable {
  readonly #server = createServer();
  readonly #token = randomUUID();
  readonly #expected = new Map<number, Expected>();
  readonly #maxBytes: number;
  /** Bytes of the bodies that are being taken in. */
  #incoming = 0;
  /** The requests that are being answered. */
  readonly #handling = new Set<Promise<void>>();
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
    this.#server.on('request', (request, response) => {
      const handling = this.#receive(request, response)
        // The browser was ended: whoever waits for the frame waits for that, too.
        .catch(() => void response.destroy())
        .finally(() => this.#handling.delete(handling));
      this.#handling.add(handling);
    });
  }

  /** For frames of so many pixels. */
  static async open(profile: string, pixels: number): Promise<FrameServer> {
    const server = new FrameServer(profile, pixels);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${this.#token}`;
  }

  /** How many bytes of frames it holds now. */
  get bytes(): number {
    return this.#memory.reduce((sum, { length }) => sum + length, this.#incoming);
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
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    // One of them may be about to open the file.
    await Promise.all(this.#handling);
    await this.#file?.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, token, what] = (request.url ?? '').split('/');
    // The worker is of the page's origin, whatever that is.
    const answer = (yes: boolean, body?: Buffer) =>
      response.writeHead(yes ? 200 : 404, { 'access-control-allow-origin': '*' }).end(body);
    const expected = token === this.#token && request.method === 'POST' && this.#expected.get(Number(what));
    if (expected) {
      this.#expected.delete(Number(what));
      try {
        const data = await this.#takeIn(request);
        answer(true);
        expected.resolve(data);
      } catch (error) {
        expected.reject(error as Error);
        throw error;
      }
      return;
    }
    // Anybody on this machine may knock: what they bring is not taken in, and they are not waited for.
    response.shouldKeepAlive = isEmpty(request);
    if (token !== this.#token) answer(false);
    else if (request.method === 'GET') answer(true, this.picture);
    else if (what === 'file') answer(await this.#openFile());
    else answer(what === 'ready');
  }

  async #takeIn(request: IncomingMessage): Promise<readonly Buffer[]> {
    const parts: Buffer[] = [];
    let length = 0;
    try {
      for await (const part of request) {
        length += (part as Buffer).length;
        this.#incoming += (part as Buffer).length;
        parts.push(part as Buffer);
        if (length > this.#maxBytes) {
          throw new Error(`the browser sends more than the ${this.#maxBytes} bytes that a frame can have`);
        }
      }
      return parts;
    } finally {
      this.#incoming -= length;
    }
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

/** Whether a request has no body. */
function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
