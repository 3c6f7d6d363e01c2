import { OptionsError } from '../errors.js';
import { messageOf } from '../unknowns.js';

/**
 * Reads each option once and copies it, so that changes by the caller during the render have no effect, and no option
 * can fail later. Throws an OptionsError that lists each option that cannot be read or does not survive JSON.
 */
export function readOptions<Options extends object>(options: Options): Options {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw new OptionsError([`options must be an object (given: ${printable(options)})`]);
  }
  const problems: string[] = [];
  const read = attempt(() => Object.keys(options).map((name) => [name, () => Reflect.get(options, name)] as const));
  if ('why' in read) throw new OptionsError([`options cannot be read: ${read.why}`]);
  const entries = read.value.map(([name, get]) => {
    const value = attempt(() => (name === 'executor' ? executor(get()) : plainData(name, get())));
    if ('why' in value) problems.push(`${name} cannot be used: ${value.why}`);
    return [name, 'why' in value ? undefined : value.value] as const;
  });
  if (problems.length > 0) throw new OptionsError(problems);
  return Object.fromEntries(entries) as Options;
}

/** The one option that is not data. */
function executor(value: unknown): unknown {
  if (value === undefined) return value;
  // Of what is no object nothing is read.
  const { render } = Object(value) as { render?: unknown };
  if (typeof render === 'function') return value;
  throw new Error(`it must have a method named render (given: ${printable(value)})`);
}

/** Throws when the value does not survive JSON. */
function plainData(name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const text = JSON.stringify(value) as string | undefined;
  // The others are copied when they are checked.
  return name === 'inputProps' && text !== undefined ? (JSON.parse(text) as unknown) : value;
}

function attempt<T>(work: () => T): { value: T } | { why: string } {
  try {
    return { value: work() };
  } catch (error) {
    return { why: messageOf(error).split('\n')[0]! };
  }
}

/** A value as text for a message. Never throws. */
export function printable(value: unknown): string {
  try {
    if (typeof value === 'bigint') return `${value}n`;
    return typeof value === 'number' ? String(value) : (JSON.stringify(value)?.slice(0, 80) ?? String(value));
  } catch {
    return `${typeof value} that cannot be shown`;
  }
}
