import { createHash } from 'node:crypto';
import { ownVersion, type ToolVersions } from '../toolVersions.js';
import type { RenderChunk } from '../types.js';
import { stableAddress } from './FileHashes.js';

/** Counts the layouts of the store and the ways of drawing and encoding: chunks of another one are not reused. */
const FORMAT = 6;

/** Options that change how long something may take or where files are, and never what a chunk holds. */
const IRRELEVANT = [
  'seamFiles',
  'endSeam',
  'deadlines',
  'stabilityTimeout',
  'maxMemoryMB',
  'hardening',
  'ffmpegPath',
  'ffprobePath',
] as const;

/** The name of a chunk by what makes it, but for the content of the composition's files. */
export function chunkKey(url: string, { options, fileName }: RenderChunk, tools: ToolVersions): string {
  // Where the hashes are written says nothing; whether they are, does.
  const all = Object.entries({ ...options, frameHashes: options.frameHashes !== undefined });
  const given = all.filter(([name]) => !(IRRELEVANT as readonly string[]).includes(name));
  const made = [
    FORMAT,
    ownVersion(),
    stableAddress(url),
    sorted(given),
    fileName.slice(fileName.lastIndexOf('.')),
    sorted(Object.entries(tools)),
  ];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 32);
}

function sorted(entries: [name: string, value: unknown][]): unknown[] {
  return entries.sort(([one], [other]) => (one < other ? -1 : 1));
}
