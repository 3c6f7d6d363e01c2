import { availableParallelism } from 'node:os';
import { extname, resolve } from 'node:path';
import type { z } from 'zod';
import { OptionsError } from '../errors.js';
import { temporaryFolder } from '../lifecycle/temporaryFolder.js';
import type { BrowserPoolOptions, DistributedOptionsInput, RendererOptions } from './groups.js';
import { chunkOptions } from './optionGroups.js';
import { printable, readOptions } from './readOptions.js';
import { resolveOptions, type ResolvedOptions } from './resolveOptions.js';
import { distributedSchema, poolSchema, rendererSchema, type CheckedOptions } from './schema.js';
import { cacheDirectory } from '../store/cacheDirectory.js';

export * from './schema.js';
export type * from './groups.js';
export type { ResolvedOptions } from './resolveOptions.js';

/** One worker per core, at most 8. */
const DEFAULT_WORKERS = Math.min(availableParallelism(), 8);

export type ResolvedDistributedOptions = ResolvedOptions & {
  concurrency: number;
  retries: number;
  chunkFrames: number | undefined;
  seams: 'fail' | 'warn';
  keepChunks: boolean;
  cacheDirectory: string | undefined;
  partialOutput: string | undefined;
};

/** Options of a pool of browsers, with every default filled in. */
export type ResolvedPoolOptions = Record<keyof BrowserPoolOptions, number>;

/** Options of one range of frames that are valid in themselves, whatever file they are for. */
export interface CheckedRange {
  /** The options as they were given, for messages. */
  given: RendererOptions;
  values: CheckedOptions;
}

/** Checks options before the output is known. Throws an OptionsError that lists every problem. */
export function checkRendererOptions(given: RendererOptions): CheckedRange {
  return { given, values: check(rendererSchema, given) };
}

/** Resolves checked options for an output and a page. Throws an OptionsError that lists every problem. */
export function resolveRendererOptions(
  { given, values }: CheckedRange,
  outputPath: string,
  compositionUrl: string,
): ResolvedOptions {
  const resolved = resolveOptions(values, outputPath, clashes(given, values, outputPath));
  return { ...resolved, fileAccess: /^\s*file:/i.test(compositionUrl) };
}

/** Checks and resolves options, so that all problems are reported at once. */
export function parseRendererOptions(given: RendererOptions, outputPath: string, compositionUrl = ''): ResolvedOptions {
  const values = check(rendererSchema, given, outputPath);
  return resolveRendererOptions({ given, values }, outputPath, compositionUrl);
}

/** Checks and resolves the options of a whole render. Throws an OptionsError that lists every problem. */
export function parseDistributedOptions(
  options: DistributedOptionsInput,
  outputPath: string,
): ResolvedDistributedOptions {
  const values = check(distributedSchema, options, outputPath);
  const { partialOutput, keepChunks = false } = values;
  return {
    ...resolveOptions(values, outputPath, clashes(options, values, outputPath)),
    concurrency: values.concurrency ?? DEFAULT_WORKERS,
    retries: values.retries ?? 0,
    chunkFrames: values.chunkFrames,
    seams: values.seams ?? 'fail',
    keepChunks,
    cacheDirectory: values.cacheDirectory ?? (keepChunks ? defaultCache() : undefined),
    partialOutput,
  };
}

/** The default cache folder. Undefined if the user has none, which the store reports when it is needed. */
function defaultCache(): string | undefined {
  try {
    return cacheDirectory();
  } catch {
    return undefined;
  }
}

/** Problems with files of a render that would replace one another. Messages show the paths as `given`. */
function clashes(
  given: DistributedOptionsInput | RendererOptions,
  values: { frameHashes?: string | undefined; partialOutput?: string | undefined },
  outputPath: string,
): string[] {
  if (typeof outputPath !== 'string') return [];
  const { frameHashes, partialOutput } = { partialOutput: undefined, ...given };
  const problems: string[] = [];
  const output = resolve(outputPath);
  if (values.frameHashes === output) problems.push(`frameHashes ${frameHashes} is the same file as the output`);
  if (values.partialOutput === undefined) return problems;
  const extension = extname(output);
  if (extname(values.partialOutput) !== extension) {
    problems.push(`partialOutput ${partialOutput} must have the same extension as the output: ${extension}`);
  }
  if (values.partialOutput === output) problems.push(`partialOutput ${partialOutput} is the same file as the output`);
  if (values.partialOutput === values.frameHashes) {
    problems.push(`partialOutput ${partialOutput} is the same file as frameHashes`);
  }
  return problems;
}

/** Options whose meaning may change later: paths relative to the working directory, and objects of the caller. */
const CHANGEABLE = ['ffmpegPath', 'ffprobePath', 'browserConfig', 'inputProps'] as const;

/** The options that apply to a chunk, with their present meaning. */
export function settledChunkOptions(given: DistributedOptionsInput, resolved: ResolvedOptions): RendererOptions {
  const names = CHANGEABLE.filter((name) => given[name] !== undefined);
  return { ...chunkOptions(given), ...Object.fromEntries(names.map((name) => [name, resolved[name]])) };
}

/** Checks the options of a BrowserPool and fills in the defaults. Throws an OptionsError that lists every problem. */
export function resolvePoolOptions(options: BrowserPoolOptions): ResolvedPoolOptions {
  const { size = DEFAULT_WORKERS, idleMs = 30_000, pagesPerBrowser = 50 } = check(poolSchema, readOptions(options));
  return { size, idleMs, pagesPerBrowser };
}

type OptionsSchema = typeof rendererSchema | typeof distributedSchema | typeof poolSchema;

/** Checks options that `readOptions` has read. Done once where options come in, and not again later. */
function check<Schema extends OptionsSchema>(schema: Schema, options: object, outputPath?: string): z.output<Schema> {
  // From now on it is where it is.
  temporaryFolder(true);
  const result = schema.safeParse(options, { reportInput: true });
  if (result.success) return result.data as z.output<Schema>;
  const problems = result.error.issues.flatMap(describeIssue);
  const bad = result.error.issues.map(({ path, code }) => (code === 'unrecognized_keys' ? undefined : path[0]));
  throw new OptionsError([...problems, ...otherProblems(options, bad, outputPath)]);
}

/** Used in place of an invalid value while the others are checked. */
const STAND_INS = { width: 2, height: 2, fps: 30, durationInSeconds: 1, frameCount: 1 };

/** Problems with the valid options in combination, so that all problems are reported at once. */
function otherProblems(options: unknown, bad: readonly unknown[], outputPath: string | undefined): readonly string[] {
  if (outputPath === undefined || typeof options !== 'object' || options === null) return [];
  const known = Object.entries(options).filter(([name]) => name in rendererSchema.shape && !bad.includes(name));
  const standIns = Object.entries(STAND_INS).filter(([name]) => bad.includes(name));
  const rest = rendererSchema.safeParse(Object.fromEntries([...standIns, ...known]));
  if (!rest.success) return [];
  try {
    resolveOptions(rest.data, outputPath);
    return [];
  } catch (error) {
    return error instanceof OptionsError ? error.problems : [];
  }
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...issue.path, key].join('.')} is not an option`);
  }
  const name = issue.path.join('.') || 'options';
  if (issue.input === undefined) return [`${name} is missing: it ${issue.message}`];
  return [`${name} ${issue.message}${issue.input === undefined ? '' : ` (given: ${printable(issue.input)})`}`];
}
