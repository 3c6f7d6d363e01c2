import type { z } from 'zod';
import type { DistributedOptionsInput, RendererOptions } from './groups.js';
import { SIDE_FILES } from './plan.js';
import { distributedSchema, optionTraits, portableSchema, type OptionTraits } from './schema.js';

/** The options that a remote caller may set: composition, output and execution, but nothing of this machine. */
export type PortableOptions = Pick<DistributedOptionsInput, keyof typeof portableSchema.shape>;

/** Picks the options that a remote caller may set, and that may be sent to another machine. */
export function portableOptions(options: DistributedOptionsInput): PortableOptions {
  return without(options, (name) => !(name in portableSchema.shape));
}

/** Picks the options that apply to a chunk, unchanged. The others belong to the whole render. */
export function chunkOptions(options: DistributedOptionsInput): RendererOptions {
  return without(options, (name) => traitsOf(name).ofJob === true);
}

/** Picks the options that are the same for all chunks drawn by one page. */
export function pageOptions<Options extends object>(options: Options): Partial<Options> {
  return without(options, (name) => traitsOf(name).ofChunk === true);
}

/**
 * Picks a chunk's options that determine its content, for its key. The paths of side files are irrelevant; whether
 * there are any is not.
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
