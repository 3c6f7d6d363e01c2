import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** So many frames may be in memory at once: the encoder has one, one is on its way to it, one is looked at. */
const FRAMES_HELD = 3;

/**
 * Where a worker in the browser sends the bytes of frames: a loopback server with a token in its address. Pixels are
 * megabytes, and a body is copied from process to process, each time into new memory: they are read from a file that
 * the browser keeps for the worker, where it has one.
 */
export class FrameServer implements AsyncDisposable {
  readonly #server = createServer();
  readonly #token = randomUUID();
  readonly #expected = new Map<number, (data: readonly Buffer[]) => void>();
  /** The requests that are being answered. */
  readonly #handling = new Set<Promise<void>>();
  /** Where the worker puts pixels. */
  #file: FileHandle | undefined;
  /** Used again: to come by new memory for each frame costs more than to read it. */
  readonly #memory: Buffer[] = [];
  /** The picture that the worker may ask for. */
  picture: Buffer | undefined;

  private constructor(
    /** The directory of the browser's profile. */
    readonly profile: string,
  ) {
    this.#server.on('request', (request, response) => {
      const handling = this.#receive(request, response)
        // The browser was ended: whoever waits for the frame waits for that, too.
        .catch(() => void response.destroy())
        .finally(() => this.#handling.delete(handling));
      this.#handling.add(handling);
    });
  }

  static async open(profile: string): Promise<FrameServer> {
    const server = new FrameServer(profile);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${this.#token}`;
  }

  /** The bytes of this frame, once they are here. */
  expect(frame: number): Promise<readonly Buffer[]> {
    return new Promise((resolve) => this.#expected.set(frame, resolve));
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
    // Anybody on this machine may knock: what they bring is not taken in.
    if (token !== this.#token) {
      answer(false);
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (request.method === 'GET') answer(true, this.picture);
    else if (what === 'file') answer(await this.#openFile());
    else {
      answer(true);
      this.#expected.get(Number(what))?.(parts);
      this.#expected.delete(Number(what));
    }
  }

  /** Finds the file, which has our address in it. There is none where the profile is in memory. */
  async #openFile(): Promise<boolean> {
    const mark = Buffer.from(this.url);
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
