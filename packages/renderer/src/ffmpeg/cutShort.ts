import { open } from 'node:fs/promises';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { fileURLToPath } from 'node:url';

/** A part of a file, and the size of the whole file. */
interface Part {
  data: Buffer;
  total: number;
}

type Read = (at: number, length: number) => Promise<Part | undefined>;

/** A file with more top-level boxes than this is a fragmented stream, which may end anywhere. */
const MAX_BOXES = 20;
/** The size of a box header: 4 bytes of length and 4 of name; if the length is 1, the real one follows in 8 bytes. */
const HEADER = 16;

/**
 * How many bytes are missing at the end of an MP4 or MOV file, according to the lengths of its boxes. A browser plays a
 * truncated file as far as it goes, and then keeps showing its last picture. 0 for a complete file, or if unknown.
 */
export async function bytesMissing(url: string, signal: AbortSignal): Promise<number> {
  const read = url.startsWith('file:') ? readFrom(fileURLToPath(url)) : readOver(url, signal);
  let at = 0;
  for (let box = 0; box < MAX_BOXES; box++) {
    const part = await read(at, HEADER);
    if (!part || part.data.length < 8) return 0;
    const { data, total } = part;
    const name = data.toString('latin1', 4, 8);
    if (box === 0 && name !== 'ftyp') return 0;
    const short = data.readUInt32BE(0);
    if (short === 1 && data.length < HEADER) return 0;
    const length = short === 1 ? Number(data.readBigUInt64BE(8)) : short;
    // The last box may leave its length open.
    if (length < 8) return 0;
    at += length;
    if (at >= total) return at - total;
  }
  return 0;
}

function readFrom(path: string): Read {
  return async (at, length) => {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return { data: buffer.subarray(0, bytesRead), total: (await file.stat()).size };
  };
}

function readOver(url: string, signal: AbortSignal): Read {
  const get = url.startsWith('https:') ? getHttps : getHttp;
  return (at, length) =>
    new Promise((resolve, reject) => {
      const headers = { range: `bytes=${at}-${at + length - 1}` };
      // A separate connection, which is not kept open for the next request.
      const request = get(url, { agent: false, signal, headers }, (response) => {
        const total = Number(/\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1]);
        if (response.statusCode !== 206 || !Number.isFinite(total)) {
          response.destroy();
          resolve(undefined);
          return;
        }
        const parts: Buffer[] = [];
        response.on('data', (data: Buffer) => parts.push(data));
        response.on('error', reject);
        response.on('end', () => resolve({ data: Buffer.concat(parts), total }));
      });
      request.on('error', reject);
    });
}
