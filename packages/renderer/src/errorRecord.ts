import * as errors from './errors.js';
import { ERROR_CODES, type ErrorCode, type GenlockError, type RenderPosition } from './errors.js';
import { attempt, isA, nameOf, messageOf } from './unknowns.js';

/** An error as data that survives JSON, to be sent from one process to another. */
export interface ErrorRecord {
  /** The class: `StallError`. */
  name: string;
  /** Its message, or a description of whatever else was thrown. */
  message: string;
  /** Only Genlock's own errors have a code and a `position`. */
  code?: ErrorCode;
  /** Where in the render it happened. */
  position?: RenderPosition;
  /** Its cause. At most eight levels of causes are kept. */
  cause?: ErrorRecord;
  /** The error's other fields, as far as JSON can represent them: `url`, `waitingFor`, `exit`. */
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

/** How many levels of causes are kept. */
const MAX_CAUSES = 8;

/** Makes a record of an error, or of whatever else was thrown. Never throws. */
export function errorRecord(error: unknown, causes = MAX_CAUSES): ErrorRecord {
  const code = codeOf(error);
  const cause: unknown = attempt(() => (error as Error).cause);
  const fields = ownFields(error);
  return {
    name: nameOf(error),
    message: messageOf(error),
    ...(code === undefined ? {} : { code, position: positionOf(error) }),
    ...(cause === undefined || cause === null || causes === 0 ? {} : { cause: errorRecord(cause, causes - 1) }),
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
  };
}

/** Restores the error that a record was made from: an instance of the class of its code, else an Error of that name. */
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

/** The code of a Genlock error, even one that was received as plain data; undefined for anything else. Never throws. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const code = attempt(() => (error as Partial<GenlockError> | undefined)?.code);
  return ERROR_CODES.find((each) => each === code);
}

/**
 * Whether a worker's error says that one of its processes crashed or was killed from outside the render, for example by
 * a signal or by the system when memory ran out. Such a chunk may be rendered again (`retries`). After an abort, such
 * an error is only the effect of our own SIGKILL. Never throws.
 */
export function processWasKilled(error: unknown): boolean {
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

/** The position of a Genlock error; an empty position for anything else. Never throws. */
export function positionOf(error: unknown): RenderPosition {
  if (codeOf(error) === undefined) return {};
  return attempt(() => ({ ...(error as GenlockError).position })) ?? {};
}

/** The fields of an error besides those that every error has, as they survive JSON. */
function ownFields(error: unknown): Record<string, unknown> {
  if (!isA(error, Error) && codeOf(error) === undefined) return {};
  const read = (): unknown => JSON.parse(JSON.stringify({ ...(error as object) }));
  const { name: _name, code: _code, position: _position, ...fields } = (attempt(read) ?? {}) as Record<string, unknown>;
  return fields;
}
