import { createHash } from 'node:crypto';
import { keyOptions } from '../options/optionGroups.js';
import { ownVersion, type ToolVersions } from '../toolVersions.js';
import type { RenderChunk } from '../options/plan.js';
import { stableAddress } from './FileHashes.js';

/** Counts the layouts of the store and the ways of drawing and encoding: chunks of another one are not reused. */
const FORMAT = 6;

/** The name of a chunk by what makes it, but for the content of the composition's files. */
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
