import { createHash } from 'node:crypto';
import { keyOptions } from '../options/optionGroups.js';
import { ownVersion, type ToolVersions } from '../toolVersions.js';
import type { RenderChunk } from '../options/plan.js';
import { stableAddress } from './FileHashes.js';

/** Increased with every change of the store's layout, of drawing or of encoding. Chunks of other formats are not reused. */
const FORMAT = 6;

/** The key of a chunk: a hash of everything that determines it, except the content of the composition's files. */
export function chunkKey(url: string, { options, fileName }: RenderChunk, tools: ToolVersions): string {
  const made = [
    FORMAT,
    ownVersion(),
    stableAddress(url),
    sorted(Object.entries(keyOptions(options))),
    fileName.slice(fileName.lastIndexOf('.')),
    sorted(Object.entries(tools)),
  ];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 32);
}

function sorted(entries: [name: string, value: unknown][]): unknown[] {
  return entries.sort(([one], [other]) => (one < other ? -1 : 1));
}
