import { attempt, isA, nameOf, messageOf } from '@genlock/renderer/internal';
import { printableJson } from './printable.js';

/** One line of JSON, with errors as objects. Never throws: values that JSON cannot represent become text. */
export function jsonLine(value: unknown): string {
  return printableJson(stringify(value));
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, field: unknown) => {
      if (isA(field, Error)) return errorFields(field);
      return typeof field === 'bigint' ? String(field) : field;
    });
  } catch (error) {
    const { type } = value as { type?: unknown };
    return JSON.stringify({ type, unprintable: messageOf(error) });
  }
}

/** The record of a failure, printed as the last line. */
export function errorRecord(error: unknown, exitCode: number): Record<string, unknown> {
  const fields = isA(error, Error)
    ? errorFields(error)
    : { name: nameOf(error), message: messageOf(error), value: error };
  return { type: 'error', ...fields, exitCode };
}

/** An error's name, message, cause and own fields, with the fields of its position merged in. */
function errorFields(error: Error): Record<string, unknown> {
  const { position, ...own } = attempt((): Record<string, unknown> => Object.fromEntries(Object.entries(error))) ?? {};
  const cause: unknown = attempt(() => error.cause);
  return {
    name: nameOf(error),
    message: messageOf(error).trim(),
    ...own,
    ...(typeof position === 'object' ? position : {}),
    ...(cause === undefined ? {} : { cause }),
  };
}
