import { howItEnded } from './lifecycle/howItEnded.js';
import { withoutPassword, withoutPasswords } from './redact.js';

/** Where in a render something happened. Absent fields are not known or do not apply. */
export interface RenderPosition {
  /** What was being done. */
  phase?: RenderPhase;
  /** Index of the worker, from 0. */
  worker?: number;
  /** Frame number in the composition, from 0. */
  frame?: number;
}

/** The phases of a render, in the order in which they happen. */
export type RenderPhase =
  | 'plan'
  | 'launch'
  | 'load'
  | 'seek'
  | 'capture'
  | 'encode'
  | 'drain'
  | 'verify'
  | 'concat'
  | 'commit';

/** The kind of failure, as a word: unlike the class of an error it survives JSON. */
export type ErrorCode = (typeof ERROR_CODES)[number];
/** Every `ErrorCode`. */
// prettier-ignore
export const ERROR_CODES = [
  'options', 'input', 'tool', 'navigation', 'page', 'asset', 'browser',
  'encoder', 'stall', 'budget', 'verification', 'seam', 'teardown',
] as const;

/**
 * The base class of every error that Genlock itself raises. `exitCode` is what the command line returns
 * for it: 2 if the request was wrong and nothing was started, 1 if the render began and failed. Names and passwords
 * are removed from the addresses in messages and fields.
 */
export abstract class GenlockError extends Error {
  /** The kind of failure. */
  abstract readonly code: ErrorCode;
  /** 2 when nothing was started, else 1. */
  readonly exitCode: 1 | 2 = 1;

  constructor(
    message: string,
    /** Where in the render it happened. */
    readonly position: RenderPosition = {},
    options?: ErrorOptions,
  ) {
    super(withoutPasswords(message), options);
    this.name = new.target.name;
  }
}

/** The options cannot be used. `problems` has one sentence for each fault, in the order of the options. */
export class OptionsError extends GenlockError {
  readonly code = 'options';
  override readonly exitCode = 2;

  /** One sentence for each fault. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? problems[0]! : `\n  - ${problems.join('\n  - ')}`);
    this.problems = problems.map(withoutPasswords);
  }
}

/** A file, folder or address that the request names cannot be used. */
export class InputError extends GenlockError {
  readonly code = 'input';
  override readonly exitCode = 2;
}

/** The browser, ffmpeg or ffprobe cannot be found or does not start. */
export class ToolError extends GenlockError {
  readonly code = 'tool';

  constructor(
    message: string,
    position: RenderPosition = {},
    /** The signal that ended the tool while it was starting, if one did. */
    readonly signal: NodeJS.Signals | null = null,
  ) {
    super(message, position);
  }
}

/** The browser could not load the page's address, or the page navigated away from it. */
export class NavigationError extends GenlockError {
  readonly code = 'navigation';
  /** The address of the page. */
  readonly url: string;

  constructor(url: string, reason: string, position: RenderPosition) {
    super(
      `${positionPrefix(position)}could not render ${shortUrl(url)}: ${reason}${certificateAdvice(reason)}`,
      position,
    );
    this.url = withoutPassword(url);
  }
}

/** The page threw, or left a promise rejection unhandled. */
export class PageError extends GenlockError {
  readonly code = 'page';
  /** Where the exception was thrown, as `file:line:column`, as far as the browser knows. */
  readonly location: string | undefined;
  /** What the page threw, as text: `TypeError: x is not a function`. */
  readonly thrown: string;
  /** Where it was thrown: line and column from 1. */
  readonly source: { url?: string | undefined; line?: number; column?: number };

  constructor(
    thrown: string,
    /** Whether it was an uncaught exception or an unhandled rejection. */
    readonly kind: 'exception' | 'rejection',
    source: PageError['source'],
    position: RenderPosition,
  ) {
    const location = source.url
      ? [shortUrl(source.url), source.line, source.column].filter((part) => part !== undefined).join(':')
      : undefined;
    const verb = kind === 'rejection' ? 'left a rejection unhandled' : 'threw';
    super(`${positionPrefix(position)}the page ${verb}: ${thrown}${location ? `\n    at ${location}` : ''}`, position);
    this.location = location;
    this.thrown = withoutPasswords(thrown);
    this.source = { ...source, ...(source.url === undefined ? {} : { url: withoutPassword(source.url) }) };
  }
}

/** A file that the page needs (image, font, style sheet, script, media, frame) did not load or cannot be decoded. */
export class AssetError extends GenlockError {
  readonly code = 'asset';
  /** The address of the file; of a data: URL only the beginning. */
  readonly url: string;

  constructor(
    url: string,
    /**
     * The HTTP status, the browser's network error such as `net::ERR_CONNECTION_REFUSED`, or why it cannot be decoded.
     */
    readonly reason: number | string,
    /** The kind of file, in a word: `Image`, `Font`, `Stylesheet`, `video`. */
    readonly assetType: string,
    position: RenderPosition,
    /** What can be done about a file that cannot be decoded. Undefined for a file that did not load. */
    advice?: string,
  ) {
    const what = advice === undefined ? 'did not load' : 'cannot be decoded';
    const why = typeof reason === 'number' ? `HTTP ${reason}` : reason;
    super(
      `${positionPrefix(position)}${assetType.toLowerCase()} ${what}: ${shortUrl(url)} (${why}). ` +
        `${advice ?? 'Fix the address'}, or render without it with allowMissingAssets (--allow-missing-assets)` +
        `${certificateAdvice(why)}.`,
      position,
    );
    this.url = url.startsWith('data:') ? shortUrl(url) : withoutPassword(url);
  }
}

/** The browser or its page ended, or no longer draws. */
export class BrowserCrashError extends GenlockError {
  readonly code = 'browser';

  constructor(
    message: string,
    position: RenderPosition = {},
    /** What was lost: the browser, the page's process, the page (it closed itself), or its pictures. */
    readonly lost: 'browser' | 'renderer' | 'page' | 'picture' = 'browser',
  ) {
    super(message, position);
  }
}

/** The encoder (or another ffmpeg) ended before its work was done. */
export class EncoderError extends GenlockError {
  readonly code = 'encoder';

  constructor(
    message: string,
    /** How it ended: its exit code or the signal that ended it, and the last of what it wrote to stderr. */
    readonly exit: { code: number | null; signal: NodeJS.Signals | null; stderr: string },
    position: RenderPosition,
  ) {
    const how = howItEnded(exit);
    const said = exit.stderr.trim();
    super(
      `${positionPrefix(position)}${message}: ffmpeg ${how}${said ? `\n    ${said.replaceAll('\n', '\n    ')}` : ''}`,
      position,
    );
  }
}

/** Something took longer than its deadline allows. */
export class StallError extends GenlockError {
  readonly code = 'stall';

  constructor(
    /** What was waited for, in words: `the browser to answer`. */
    readonly waitingFor: string,
    /** The deadline, in milliseconds. */
    readonly deadlineMs: number,
    position: RenderPosition,
  ) {
    super(`${positionPrefix(position)}no progress for ${deadlineMs} ms while waiting for ${waitingFor}`, position);
  }
}

/** The render exceeded, or would exceed, one of its limits. Everything stops, as with any other failure. */
export class BudgetError extends GenlockError {
  readonly code = 'budget';

  constructor(
    message: string,
    /** Which limit: `time` in milliseconds for the whole render, `memory` in MB for a worker, free `disk` in MB. */
    readonly budget: 'time' | 'memory' | 'disk',
    /** The limit that was set. */
    readonly limit: number,
    /** How much was used; for `disk`, how much was left. */
    readonly actual: number,
    position: RenderPosition = {},
  ) {
    super(`${positionPrefix(position)}${message}`, position);
  }
}

/** A file does not contain the frames that it should. */
export class VerificationError extends GenlockError {
  readonly code = 'verification';
}

/**
 * Two workers drew the same frame differently: the page's picture is not a function of the frame.
 * `pictures` are files that show the frame as each worker drew it, and the differences.
 */
export class SeamError extends GenlockError {
  readonly code = 'seam';

  constructor(
    /** The frame that both drew. */
    readonly frame: number,
    /** The chunks on both sides of the seam. */
    readonly chunks: readonly [number, number],
    /** The differences in the page, one line each: `div#clock: text "1" and "2"`. */
    readonly differences: readonly string[],
    /** Paths of the pictures: the frame as each side drew it, and the differences. */
    readonly pictures: readonly string[],
    advice: string,
    position: RenderPosition = {},
  ) {
    const list = differences.map((line) => `\n    ${line}`).join('');
    const files = pictures.map((path) => `\n    ${path}`).join('');
    super(
      `frame ${frame} came out differently in two workers (chunks ${chunks.join(' and ')}): ` +
        `the page does not draw the same each time. What differs:${list}\n  Both pictures:${files}\n  ${advice}`,
      position,
    );
  }
}

/** Files or processes of a render could not be removed. */
export class TeardownError extends GenlockError {
  readonly code = 'teardown';

  constructor(
    /** A description of each leftover: a path or a process. */
    readonly survivors: readonly string[],
  ) {
    super(`could not remove everything after the render stopped: ${survivors.join(', ')}`);
  }
}

/** Describes a position: `worker 1, frame 42 (capture)`. Empty if nothing of it is known. */
export function describePosition({ worker, frame, phase }: RenderPosition): string {
  const parts = [
    worker === undefined ? undefined : `worker ${worker}`,
    frame === undefined ? undefined : `frame ${frame}`,
  ].filter((part) => part !== undefined);
  return parts.join(', ') + (phase ? `${parts.length > 0 ? ' ' : ''}(${phase})` : '');
}

/** The start of a message: `worker 1, frame 42 (capture): `. Empty if nothing of the position is known. */
export function positionPrefix(position: RenderPosition): string {
  const description = describePosition(position);
  return description ? `${description}: ` : '';
}

/** What to do about a certificate that the browser does not trust. */
function certificateAdvice(reason: string): string {
  return reason.startsWith('net::ERR_CERT_')
    ? `; ignoreHttpsErrors (--ignore-https-errors) accepts untrusted certificates`
    : '';
}

/** An address for messages, without its password. Long ones are shortened: a data: URL can have megabytes. */
export function shortUrl(address: string): string {
  const url = withoutPassword(address);
  return url.length > 200 ? `${url.slice(0, 160)}… (${url.length} characters)` : url;
}
