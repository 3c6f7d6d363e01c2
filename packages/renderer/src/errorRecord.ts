import * as errors from './errors.js';
import { ERROR_CODES, type ErrorCode, type GenlockError, type RenderPosition } from './errors.js';
import { attempt, isA, nameOf, wordsOf } from './unknowns.js';

/** An error as data that survives JSON, for the way from one process to another. */
export interface ErrorRecord {
  /** The class: `StallError`. */
  name: string;
  /** What it says, or what was thrown in words. */
  message: string;
  /** Only of Genlock's own errors, as is `position`. */
  code?: ErrorCode;
  /** Where in the render it happened. */
  position?: RenderPosition;
  /** What it came from: at most eight causes of causes. */
  cause?: ErrorRecord;
  /** The other fields that the error has, as far as JSON can hold them: `url`, `waitingFor`, `exit`. */
  fields?: Record<string, unknown>;
}

const CLASSES: Record<ErrorCode, { prototype: GenlockError }> = {
  options: errors.OptionsError,
  input: errors.InputError,
  tool: errors.ToolError,
  navigation: errors.NavigationError,
  page: errors.PageError,
  asset: errors.AssetError,
  browser: errors.BrowserCrashError,
  encoder: errors.EncoderError,
  stall: errors.StallError,
  budget: errors.BudgetError,
  verification: errors.VerificationError,
  seam: errors.SeamError,
  teardown: errors.TeardownError,
};

/** So many causes of causes are kept. */
const MAX_CAUSES = 8;

/** What is to be known of an error, or of whatever else was thrown. Never throws. */
export function errorRecord(error: unknown, causes = MAX_CAUSES): ErrorRecord {
  const code = codeOf(error);
  const cause: unknown = attempt(() => (error as Error).cause);
  const fields = ownFields(error);
  return {
    name: nameOf(error),
    message: wordsOf(error),
    ...(code === undefined ? {} : { code, position: positionOf(error) }),
    ...(cause === undefined || cause === null || causes === 0 ? {} : { cause: errorRecord(cause, causes - 1) }),
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
  };
}

/** The error that a record was made of: of the class that its code stands for, else an Error of that name. */
export function errorFromRecord({ name, message, code, position, cause, fields }: ErrorRecord): Error {
  const { prototype } = code === undefined ? Error : CLASSES[code];
  const error = Object.create(prototype) as Error;
  Error.captureStackTrace(error, errorFromRecord);
  const hidden = { message, ...(cause === undefined ? {} : { cause: errorFromRecord(cause) }) };
  for (const [field, value] of Object.entries(hidden)) {
    Object.defineProperty(error, field, { value, writable: true, configurable: true });
  }
  return Object.assign(error, { name }, fields, code === undefined ? {} : { code, position: { ...position } });
}

/** The code of an error of ours, also of one that has come as data; undefined for anything else. Never throws. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const code = attempt(() => (error as Partial<GenlockError> | undefined)?.code);
  return ERROR_CODES.find((each) => each === code);
}

/**
 * Whether a worker's error says that something outside of the render ended one of its processes: a
 * crash, a signal, the system when memory ran out. Such a chunk may be rendered again (`retries`);
 * after an abort it is the trace of our own SIGKILL. Never throws.
 */
export function wasKilled(error: unknown): boolean {
  const { lost, exit, signal } = ownFields(error) as { lost?: unknown; exit?: { signal?: unknown }; signal?: unknown };
  switch (codeOf(error)) {
    case 'browser':
      return lost === 'browser' || lost === 'renderer';
    case 'encoder':
      return typeof exit?.signal === 'string';
    case 'tool':
      return typeof signal === 'string';
    default:
      return false;
  }
}

/** Where one of our errors says that it happened; nothing for anything else. Never throws. */
export function positionOf(error: unknown): RenderPosition {
  if (codeOf(error) === undefined) return {};
  return attempt(() => ({ ...(error as GenlockError).position })) ?? {};
}

/** What stands in an error beside what every error has, as JSON would bring it across. */
function ownFields(error: unknown): Record<string, unknown> {
  if (!isA(error, Error) && codeOf(error) === undefined) return {};
  const read = (): unknown => JSON.parse(JSON.stringify({ ...(error as object) }));
  const { name: _name, code: _code, position: _position, ...fields } = (attempt(read) ?? {}) as Record<string, unknown>;
  return fields;
}
