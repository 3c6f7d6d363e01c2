import { inspect } from 'node:util';

/*
 * Users, pages and executors may throw anything, and may abort with anything as the reason: a revoked Proxy, an object
 * without a prototype, an error whose `message` getter throws. Merely reading such a value can run foreign code that
 * throws, and an exception in an abort listener would end the whole process. These functions read any value safely.
 */

/** The maximum length, in characters, of the text that describes an object without a text of its own. */
const MAX_INSPECTED = 1000;

/** What `read` returns; undefined where it throws. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** `instanceof`. Never throws. */
export function isA<T>(value: unknown, kind: abstract new (...args: never) => T): value is T {
  return attempt(() => value instanceof kind) ?? false;
}

/**
 * A message for any value: an error's message, or its name if the message is empty; a string as it is; for any other
 * value what `String()` makes of it, or its contents if that says nothing. Never throws.
 */
export function messageOf(value: unknown): string {
  if (isA(value, Error)) return textIn(value, 'message') || textIn(value, 'name') || inspected(value);
  const text = attempt(() => String(value));
  return text === undefined || /^\[object \w+\]$/.test(text) ? inspected(value) : text;
}

/** The name of an error, such as `TypeError`; for any other value its `typeof`. Never throws. */
export function nameOf(value: unknown): string {
  return (isA(value, Error) && textIn(value, 'name')) || typeof value;
}

/** Like `messageOf`, but an error's message is preceded by its name: `TypeError: x is not a function`. Never throws. */
export function nameAndMessageOf(value: unknown): string {
  const message = messageOf(value);
  const name = isA(value, Error) ? nameOf(value) : message;
  return name === message ? message : `${name}: ${message}`;
}

/** The text in one field of an error; empty if the field does not hold a string. */
function textIn(error: Error, field: 'name' | 'message'): string {
  const text: unknown = attempt(() => error[field]);
  return typeof text === 'string' ? text : '';
}

/** The contents of a value, on one line. */
function inspected(value: unknown): string {
  const options = { depth: 1, breakLength: Infinity, compact: true, maxStringLength: MAX_INSPECTED };
  const text = attempt(() => inspect(value, options)) ?? `a value of type ${typeof value} that cannot be described`;
  return text.length > MAX_INSPECTED ? `${text.slice(0, MAX_INSPECTED)}…` : text;
}
