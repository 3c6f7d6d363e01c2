import { open, stat, type FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TextDecoder } from 'node:util';
import { z } from 'zod';
import { InputError, shortUrl } from '../errors.js';
import { parseFrameRate } from '../options/frameRate.js';
import type { Entry } from '../options/groups.js';
import { rendererSchema } from '../options/schema.js';
import { isCertificateError, type HttpOptions } from './httpGet.js';
import { underDeadline } from '../lifecycle/abort.js';
import { openAddress, type Answer } from './openAddress.js';
import { isA, messageOf } from '../unknowns.js';

/** What a page declares about itself. A field that it does not declare is absent. */
export interface Composition {
  /** The address that was read, as it was given. */
  url: string;
  /** Width of the page's view in CSS pixels. */
  width?: number;
  /** Height of the page's view in CSS pixels. */
  height?: number;
  /** Frames per second: a number, or a fraction such as `30000/1001`. */
  fps?: number | string;
  /** Length in seconds. */
  durationInSeconds?: number;
  /** Length in frames. */
  frameCount?: number;
  /** The values for `window.genlock.props`, to be passed as the option `inputProps`. */
  props?: Record<string, unknown>;
  /** `seek` means that the picture depends on the time alone: workers go straight to their first frame. */
  entry?: Entry;
}

/** The options of `readComposition`. */
export interface ReadCompositionOptions {
  /** Stops reading: `readComposition` rejects with `signal.reason` itself. */
  signal?: AbortSignal;
  /** How long the address may take to answer in full, in milliseconds. Default 15 s. */
  timeoutMs?: number;
  /** Whether to accept untrusted certificates. Default false. */
  ignoreHttpsErrors?: boolean | undefined;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const DECLARATION_TYPE = 'application/genlock+json';
const PAGE_TYPES = ['text/html', 'application/xhtml+xml', 'image/svg+xml'];
/** The content types by file name extension. For other names, the beginning of the file decides. */
const TYPES_BY_EXTENSION: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.htm': 'text/html',
  '.xhtml': 'application/xhtml+xml',
  '.xht': 'application/xhtml+xml',
  '.svg': 'image/svg+xml',
};
const MARKUP_START =
  /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*<(!doctype\s+(html|svg)|html|head|body|svg|script|style|title|meta)\b/i;

const positive = (what: string) => z.number({ error: `must be ${what}` }).positive({ error: `must be ${what}` });
const wholeNumber = (unit: string) =>
  positive(`a whole number of ${unit} above 0`).int({ error: `must be a whole number of ${unit} above 0` });

const declarationSchema = z.object(
  {
    width: wholeNumber('pixels').optional(),
    height: wholeNumber('pixels').optional(),
    fps: z
      .custom<number | string>((value) => parseFrameRate(value) !== undefined, {
        error: 'must be a rate above 0 and at most 1000, such as 30, 23.976 or "30000/1001"',
      })
      .optional(),
    durationInSeconds: positive('a number of seconds above 0').optional(),
    frameCount: wholeNumber('frames').optional(),
    props: z.record(z.string(), z.unknown(), { error: 'must be an object' }).optional(),
    entry: rendererSchema.shape.entry,
  },
  { error: 'must be an object such as {"width":1920,"height":1080,"fps":30,"durationInSeconds":5}' },
);

/**
 * Reads what a page declares about itself, without a browser. `url` is an http:, https:, file: or data:
 * address. Rejects with an InputError if nothing is there, if it is not a page, or if its declaration is
 * invalid; and with `signal.reason` itself if the signal aborts.
 */
export async function readComposition(
  url: string,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS, ignoreHttpsErrors = false }: ReadCompositionOptions = {},
): Promise<Composition> {
  signal?.throwIfAborted();
  const address = parseAddress(url);
  const late = () => new InputError(`${shortUrl(url)} did not answer in full within ${timeoutMs / 1000} s`);
  const declaration = await underDeadline(signal, timeoutMs, late, (deadline) =>
    address.protocol === 'file:'
      ? readPageFile(fileURLToPath(address), deadline)
      : fetchPage(address, url, { signal: deadline, ignoreHttpsErrors }),
  );
  return declaration === undefined ? { url } : { url, ...parseDeclaration(declaration, url) };
}

function parseAddress(url: string): URL {
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw new InputError(
      `${shortUrl(url) || '(empty)'} is not an address: it must begin with http:, https:, file: or data:`,
    );
  }
  if (!['http:', 'https:', 'file:', 'data:'].includes(address.protocol)) {
    throw new InputError(`cannot open ${shortUrl(url)}: ${address.protocol} is not one of http:, https:, file:, data:`);
  }
  return address;
}

async function fetchPage(address: URL, url: string, options: HttpOptions): Promise<string | undefined> {
  const { signal } = options;
  let page: Answer;
  try {
    page = await openAddress(address, options);
  } catch (error) {
    if (signal.aborted || error instanceof InputError) throw error;
    throw new InputError(`cannot open ${shortUrl(url)}: ${explainFetchError(error)}`, {}, { cause: error });
  }
  try {
    if (page.status >= 400) {
      throw new InputError(
        `cannot open ${shortUrl(url)}: the server answers ${`${page.status} ${page.reason}`.trim()}`,
      );
    }
    const [type = '', ...parameters] = page.type.toLowerCase().split(';');
    if (!PAGE_TYPES.includes(type.trim())) {
      const given = type.trim() ? `its type is ${type.trim()}` : 'it has no content type';
      throw new InputError(`${shortUrl(url)} is not a page: ${given}, not one of ${PAGE_TYPES.join(', ')}`);
    }
    const charset = /charset\s*=\s*"?([^";\s]+)/.exec(parameters.join(';'))?.[1];
    return await findDeclaration(page.body, type.trim(), charset);
  } catch (error) {
    if (signal.aborted || error instanceof InputError) throw error;
    throw new InputError(`cannot read ${shortUrl(url)}: ${explainFetchError(error)}`, {}, { cause: error });
  } finally {
    // The rest of the page is not needed. An open body would keep the connection open.
    page.close();
  }
}

async function readPageFile(path: string, signal: AbortSignal): Promise<string | undefined> {
  let file: FileHandle;
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new InputError(`${path} is a folder, not a page`);
    // Opening a named pipe would wait for a writer.
    if (!found.isFile()) throw new InputError(`${path} is not a file`);
    file = await open(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot open ${path}: ${explainFileError(error)}`, {}, { cause: error });
  }
  try {
    const head = Buffer.alloc(4096);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const beginning = head.subarray(0, bytesRead);
    const type = TYPES_BY_EXTENSION[extname(path).toLowerCase()] ?? sniffType(beginning);
    if (!type || looksBinary(beginning)) {
      throw new InputError(`${path} is not a page: it is neither HTML nor SVG`);
    }
    return await findDeclaration(file.createReadStream({ start: 0, autoClose: false, signal }), type, undefined);
  } catch (error) {
    if (signal.aborted || error instanceof InputError) throw error;
    throw new InputError(`cannot read ${path}: ${explainFileError(error)}`, {}, { cause: error });
  } finally {
    await file.close();
  }
}

function sniffType(beginning: Buffer): string | undefined {
  const text = beginning.toString('utf8').replace(/^\uFEFF/, '');
  const match = MARKUP_START.exec(text);
  if (!match) return undefined;
  return match[3]?.toLowerCase() === 'svg' || match[4]?.toLowerCase() === 'svg' ? 'image/svg+xml' : 'text/html';
}

function looksBinary(beginning: Buffer): boolean {
  const utf16 = beginning.length >= 2 && [0xfeff, 0xfffe].includes(beginning.readUInt16BE(0));
  return !utf16 && beginning.includes(0);
}

/** Finds the text of the page's first declaration. Reads no further than that. */
async function findDeclaration(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  type: string,
  charset: string | undefined,
): Promise<string | undefined> {
  let inside = false;
  let text = '';
  let found: string | undefined;
  // Loaded only when a page is read: a render with complete options does not need it.
  const { Parser } = await import('htmlparser2');
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        inside =
          found === undefined && name === 'script' && attributes['type']?.trim().toLowerCase() === DECLARATION_TYPE;
      },
      ontext(chunk) {
        if (inside) text += chunk;
      },
      onclosetag() {
        if (inside) found = text;
        inside = false;
      },
    },
    { xmlMode: type !== 'text/html' },
  );
  const decoder = makeDecoder(charset);
  for await (const chunk of bytes) {
    parser.write(decoder.decode(chunk, { stream: true }));
    if (found !== undefined) return found;
  }
  parser.end(decoder.decode());
  return found;
}

function makeDecoder(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

function parseDeclaration(text: string, url: string): Omit<Composition, 'url'> {
  const place = `the <script type="${DECLARATION_TYPE}"> of ${shortUrl(url)}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${place} is not valid JSON: ${messageOf(error)}`, {}, { cause: error });
  }
  const result = declarationSchema.safeParse(value);
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => [...path, message].join(' '));
    throw new InputError(`${place} cannot be used: ${faults.join('; ')}`);
  }
  // Fields that are not in the JSON are absent, not undefined, which zod's type cannot express.
  return result.data as Omit<Composition, 'url'>;
}

const FETCH_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host did not answer',
  EPROTO: 'the server does not speak TLS there (is it http:?)',
};

/** Explains a network error in plain words. A host with several addresses has several errors: the first one counts. */
function explainFetchError(error: unknown): string {
  const first: unknown = isA(error, AggregateError) ? (error.errors[0] ?? error) : error;
  if (!isA(first, Error)) return messageOf(first);
  if (isCertificateError(first)) {
    return `its certificate is not trusted (${first.message}): ignoreHttpsErrors (--ignore-https-errors) accepts it`;
  }
  const code = (first as NodeJS.ErrnoException).code;
  return (code === undefined ? undefined : FETCH_REASONS[code]) ?? first.message;
}

function explainFileError(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return messageOf(error);
}
