import { inspect } from 'node:util';

/*
 * What users, pages and executors throw, and the reasons of their aborts, may be anything: a Proxy that is revoked,
 * an object without a prototype, an error whose `message` throws. Each look at such a value runs code of its own. A
 * throw out of a listener of an abort would end the whole process, so here are the ways to look that never throw.
 */

/** The longest text that is made of an object that has none of its own, in characters. */
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
 * Anything at all in words: the message of an error, or its name where it has none; text as it is; of other objects
 * the text that they make of themselves, or else what is in them. Never throws.
 */
export function wordsOf(value: unknown): string {
  if (isA(value, Error)) return textIn(value, 'message') || textIn(value, 'name') || inspected(value);
  const text = attempt(() => String(value));
  return text === undefined || /^\[object \w+\]$/.test(text) ? inspected(value) : text;
}

/** The name of an error, such as `TypeError`; for anything else what `typeof` calls it. Never throws. */
export function nameOf(value: unknown): string {
  return (isA(value, Error) && textIn(value, 'name')) || typeof value;
}

/** As `wordsOf`, with the name before what an error says: `TypeError: x is not a function`. Never throws. */
export function namedWordsOf(value: unknown): string {
  const words = wordsOf(value);
  const name = isA(value, Error) ? nameOf(value) : words;
  return name === words ? words : `${name}: ${words}`;
}

/** What an error says of itself in a field; empty where that is no text. */
function textIn(error: Error, field: 'name' | 'message'): string {
  const text: unknown = attempt(() => error[field]);
  return typeof text === 'string' ? text : '';
}

/** What is in a value, on one line. */
function inspected(value: unknown): string {
  const options = { depth: 1, breakLength: Infinity, compact: true, maxStringLength: MAX_INSPECTED };
  const text = attempt(() => inspect(value, options)) ?? `something of type ${typeof value} that cannot be told`;
  return text.length > MAX_INSPECTED ? `${text.slice(0, MAX_INSPECTED)}…` : text;
}
