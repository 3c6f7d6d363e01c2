import { ChunkStore, InputError, OptionsError, type KeptChunk, type PruneLimits } from '@genlock/renderer';
import { formatBytes, formatRange, plural } from '../format.js';
import type { OutputFlags, Terminal } from '../terminal.js';

/** The flags of `genlock cache`. */
export interface CacheFlags extends OutputFlags {
  cache?: string;
  olderThan?: string;
  maxSize?: string;
  all?: boolean;
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const BYTES_OF_UNIT: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** `genlock cache list`: the kept chunks, most recently used first. */
export async function listCache(flags: CacheFlags, terminal: Terminal): Promise<void> {
  const store = new ChunkStore(flags.cache);
  const { directory } = store;
  const chunks = await withStore(store, () => store.list());
  terminal.result([...chunks.map(chunkLine), total(chunks, `in ${directory}`)], {
    type: 'cache',
    directory,
    chunks: chunks.map(record),
  });
}

/** `genlock cache prune`: removes chunks that are too old, exceed the size limit, or are damaged. */
export async function pruneCache(flags: CacheFlags, terminal: Terminal): Promise<void> {
  const limits = readLimits(flags);
  const store = new ChunkStore(flags.cache);
  const { directory } = store;
  const removed = await withStore(store, () => store.prune(limits));
  terminal.result([total(removed, `removed from ${directory}`)], {
    type: 'cache-pruned',
    directory,
    removed: removed.map(record),
  });
}

/** Works on the store. Throws an InputError if its folder cannot be used or changed. */
async function withStore<T>(store: ChunkStore, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new InputError(`the chunk store at ${store.directory} cannot be used: ${(error as Error).message}`);
  }
}

function readLimits({ olderThan, maxSize, all }: CacheFlags): PruneLimits {
  const problems: string[] = [];
  const maxAgeMs = measure(olderThan, MS_OF_UNIT);
  const maxBytes = measure(maxSize, BYTES_OF_UNIT);
  if (maxAgeMs === 'bad') problems.push(`--older-than must be a time such as 12h, 7d or 2w (given: ${olderThan})`);
  if (maxBytes === 'bad') problems.push(`--max-size must be a size such as 500MB or 2GB (given: ${maxSize})`);
  if (!all && olderThan === undefined && maxSize === undefined) {
    problems.push('nothing to remove was given: use --older-than <time>, --max-size <size> or --all');
  }
  if (problems.length > 0) throw new OptionsError(problems);
  if (all) return { maxBytes: -1 };
  return {
    ...(typeof maxAgeMs === 'number' ? { maxAgeMs } : {}),
    ...(typeof maxBytes === 'number' ? { maxBytes } : {}),
  };
}

/** A number with one of these units. */
function measure(text: string | undefined, units: Readonly<Record<string, number>>): number | 'bad' | undefined {
  if (text === undefined) return undefined;
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*([a-zA-Z]+)\s*$/.exec(text);
  const unit = match && units[match[2]!];
  return unit ? Number(match[1]) * unit : 'bad';
}

function chunkLine(chunk: KeptChunk): string {
  const used = chunk.usedAt.toISOString().slice(0, 16).replace('T', ' ');
  const what =
    chunk.url === ''
      ? `${chunk.damaged ? 'damaged' : 'cannot be read'}: ${chunk.path}`
      : `${chunk.url}  frames ${formatRange(chunk)}${chunk.damaged ? '  (damaged)' : ''}`;
  return `${used}  ${formatBytes(chunk.bytes).padStart(8)}  ${what}`;
}

function total(chunks: readonly KeptChunk[], where: string): string {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return `${plural(chunks.length, 'chunk')}, ${formatBytes(bytes)}, ${where}`;
}

function record({ usedAt, ...chunk }: KeptChunk): Record<string, unknown> {
  return { ...chunk, usedAt: usedAt.toISOString() };
}
