import { join, parse } from 'node:path';
import { Option } from 'commander';
import type { DistributedRenderOptions, VerifyOptions } from '@genlock/renderer';
import { DEADLINES } from '@genlock/renderer/internal';
import { OPTION_FLAGS, type OptionFlag } from './optionFlags.js';

/** The name under which commander stores the value of a flag. */
type Attribute<Flag extends string> = Flag extends `--no-${infer Rest}`
  ? Attribute<`--${Rest}`>
  : Flag extends `--${infer Name} ${string}`
    ? CamelCase<Name>
    : Flag extends `--${infer Name}`
      ? CamelCase<Name>
      : never;
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** What commander stores: the text as typed, true for a flag without a value, false for a `--no-` flag. */
type Typed<Entry extends OptionFlag> = Entry['read'] extends 'on' | 'off'
  ? boolean
  : Entry['read'] extends 'list' | 'times'
    ? string[]
    : Entry['flag'] extends `${string}[${string}`
      ? string | true
      : string;

type Entry = Extract<(typeof OPTION_FLAGS)[keyof typeof OPTION_FLAGS], OptionFlag>;
type NameOf<E extends Entry> = Attribute<E['flag'] | (E extends { alias: infer Alias extends string } ? Alias : never)>;

/** The typed values of the flags for the library's options. */
export type TypedOptions = { [E in Entry as NameOf<E>]?: Typed<E> };

/** The flags of the commands that open a page, as commander reads them. Each command has some of them. */
export interface PageFlags extends TypedOptions {
  output?: string;
  root?: string;
  allowDotfiles?: boolean;
  overwrite?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** The flag for an option of the library, for messages in the user's terms. Undefined for any other word. */
export function flagOf(option: string): string | undefined {
  if (!Object.hasOwn(OPTION_FLAGS, option)) {
    const [, whole, part] = /^(\w+)\.(\w+)$/.exec(option) ?? [];
    const flag = whole === undefined ? undefined : flagOf(whole);
    return flag && `${flag} ${part}`;
  }
  const entry: OptionFlag | { by: string } | { none: string } = OPTION_FLAGS[option as keyof typeof OPTION_FLAGS];
  if ('by' in entry) return flagOf(entry.by);
  return 'flag' in entry ? longName(entry.flag) : undefined;
}

function longName(flag: string): string {
  return flag.split(' ')[0]!;
}

/** The library's options, with only the fields that the user gave. */
export type GivenOptions = Partial<
  Omit<DistributedRenderOptions, 'executor'> & Pick<VerifyOptions, 'samples' | 'sampleFrames'>
>;

/**
 * The library's options for the flags that were given. Text that should be a number and is not is passed on
 * unchanged: the library's schema, the one place that checks options, reports it. A time that cannot be read is
 * reported in `problems`, in the units that people type, because the schema knows only milliseconds.
 */
export function optionsFromFlags(flags: PageFlags, problems: string[] = []): GivenOptions {
  const given: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(OPTION_FLAGS)) {
    const value = 'flag' in entry ? readFlag(entry, flags, problems) : undefined;
    if (value === undefined) continue;
    const [option = name, part] = name.split('.');
    given[option] = part === undefined ? value : { ...(given[option] as object | undefined), [part]: value };
  }
  const { partial, output = '' } = flags;
  if (partial !== undefined) given['partialOutput'] = partial === true ? partialName(output) : partial;
  return given;
}

function readFlag({ flag, alias, read }: OptionFlag<Entry['read']>, flags: PageFlags, problems: string[]): unknown {
  const typed = typedAt(flag, flags) ?? (alias && typedAt(alias, flags));
  if (typed === undefined || read === 'apart') return undefined;
  // True is commander's default for a `--no-` flag.
  if (read === 'off') return typed === true ? undefined : false;
  if (read === 'number') return toNumber(typed as string);
  if (read !== 'time' && read !== 'times') return typed;
  const value = read === 'time' ? parseTimeout(typed as string, longName(flag)) : parseDeadlines(typed as string[]);
  if (typeof value !== 'string') return value;
  problems.push(value);
  return undefined;
}

function typedAt(flag: string, flags: PageFlags): unknown {
  return (flags as Readonly<Record<string, unknown>>)[new Option(flag).attributeName()];
}

/** The name of a video's finished part: `film.mp4` gives `film.partial.mp4`. */
function partialName(output: string): string {
  const { dir, name, ext } = parse(output);
  return join(dir, `${name}.partial${ext}`);
}

const LONGEST_MS = 24 * 3600 * 1000;
const TIME_ADVICE = 'a time above 0 and at most a day, such as 30 or 2.5 (seconds), 500ms or 10m';
const MS_OF_UNIT: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A time in whole milliseconds: a number of seconds, or with its unit `500ms`, `30s`, `10m`, `1h`. */
function parseTime(text: string): number | undefined {
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*(ms|s|m|h|)\s*$/.exec(text);
  if (!match) return undefined;
  const milliseconds = Math.ceil(Number(match[1]) * MS_OF_UNIT[match[2]!]!);
  return milliseconds > 0 && milliseconds <= LONGEST_MS ? milliseconds : undefined;
}

/** Reads `--timeout` in milliseconds. A string is an error message. */
export function parseTimeout(text: string | undefined, flag = '--timeout'): number | string | undefined {
  return text === undefined ? undefined : (parseTime(text) ?? `${flag} must be ${TIME_ADVICE} (given: ${text})`);
}

type Deadlines = NonNullable<GivenOptions['deadlines']>;

/** Reads every `--deadline phase=time` in milliseconds; the last one for a phase counts. A string is an error message. */
export function parseDeadlines(texts: readonly string[] | undefined): Deadlines | string | undefined {
  if (texts === undefined) return undefined;
  const deadlines: Deadlines = {};
  for (const text of texts) {
    const [phase = '', time] = text.split('=', 2).map((part) => part.trim());
    const name = DEADLINES.find((known) => known === phase);
    if (!name) return `--deadline must be one of ${DEADLINES.join(', ')}, followed by = and a time (given: ${text})`;
    const milliseconds = parseTime(time ?? '');
    if (milliseconds === undefined) return `--deadline ${name}= must be ${TIME_ADVICE} (given: ${text})`;
    deadlines[name] = milliseconds;
  }
  return deadlines;
}

/** Frames `a-b`, from 0, both included. */
export interface FrameRange {
  first: number;
  last: number;
}

/** Reads `--frames`: `a-b`, or one frame `a`. A string is an error message. */
export function parseFrameRange(text: string): FrameRange | string {
  const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(text);
  if (!match) return `--frames must be a range such as 0-59, counted from 0 with both ends included (given: ${text})`;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > last) return `--frames is reversed: ${first}-${last} ends before it begins`;
  return Number.isSafeInteger(last) ? { first, last } : `--frames is too large (given: ${text})`;
}

/** Reads `--frame`: one frame number from 0. A string is an error message. */
export function parseFrameNumber(text: string | undefined): number | string {
  if (text === undefined) return 'no frame given: --frame 0 draws the first one';
  const frame: unknown = toNumber(text);
  const usable = typeof frame === 'number' && Number.isSafeInteger(frame) && frame >= 0;
  return usable ? frame : `--frame must be a whole number from 0 (given: ${text})`;
}

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** The text as a number; text that is not a number is returned unchanged. */
export function toNumber(text: string): number;
export function toNumber(text: string | undefined): number | undefined;
export function toNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return NUMBER.test(text) ? Number(text) : (text as unknown as number);
}

/** The object without its undefined fields. */
export function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
