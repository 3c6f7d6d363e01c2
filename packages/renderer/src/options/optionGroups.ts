import type { z } from 'zod';
import type { DistributedOptionsInput, RendererOptions } from './groups.js';
import { SIDE_FILES } from './plan.js';
import { distributedSchema, optionTraits, portableSchema, type OptionTraits } from './schema.js';

/** What a caller from elsewhere may say of a render: composition, output and execution, nothing of this machine. */
export type PortableOptions = Pick<DistributedOptionsInput, keyof typeof portableSchema.shape>;

/** Those of the options that a caller from elsewhere may give, and that may be given to another machine. */
export function portableOptions(options: DistributedOptionsInput): PortableOptions {
  return without(options, (name) => !(name in portableSchema.shape));
}

/** Those of the options that a chunk is rendered with, as they stand; the rest is the whole render's. */
export function chunkOptions(options: DistributedOptionsInput): RendererOptions {
  return without(options, (name) => traitsOf(name).ofJob === true);
}

/** Those of the options that are the same for all chunks that one page draws. */
export function pageOptions<Options extends object>(options: Options): Partial<Options> {
  return without(options, (name) => traitsOf(name).ofChunk === true);
}

/**
 * Those of a chunk's options that decide what it holds, for its key. Where what is made beside the
 * frames is written says nothing; whether it is, does.
 */
export function keyOptions(options: RendererOptions): Record<string, unknown> {
  const given = without(options, (name) => traitsOf(name).irrelevantToContent === true);
  return { ...given, ...Object.fromEntries(SIDE_FILES.map((name) => [name, options[name] !== undefined])) };
}

function traitsOf(name: string): OptionTraits {
  const schema = (distributedSchema.shape as Record<string, z.ZodType | undefined>)[name];
  return (schema && optionTraits.get(schema)) ?? {};
}

function without<Options extends object>(options: Options, isLeftOut: (name: string) => boolean): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !isLeftOut(name))) as Options;
}
