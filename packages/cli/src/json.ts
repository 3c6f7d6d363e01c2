import { printableJson } from './printable.js';

/** One line of JSON, with errors as objects. Never throws: what JSON cannot hold becomes text. */
export function jsonLine(value: unknown): string {
  return printableJson(stringify(value));
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, field: unknown) => {
      if (field instanceof Error) return errorFields(field);
      return typeof field === 'bigint' ? String(field) : field;
    });
  } catch (error) {
    const { type } = value as { type?: unknown };
    return JSON.stringify({ type, unprintable: String(error) });
  }
}

/** The last line of a failure. */
export function errorRecord(error: unknown, exitCode: number): Record<string, unknown> {
  const fields =
    error instanceof Error ? errorFields(error) : { name: typeof error, message: String(error), value: error };
  return { type: 'error', ...fields, exitCode };
}

/** An error's name, message, cause and own fields. The position's fields stand beside them. */
function errorFields(error: Error): Record<string, unknown> {
  const { position, ...own } = Object.fromEntries(Object.entries(error)) as Record<string, unknown>;
  return {
    name: error.name,
    message: error.message.trim(),
    ...own,
    ...(typeof position === 'object' ? position : {}),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  };
}
