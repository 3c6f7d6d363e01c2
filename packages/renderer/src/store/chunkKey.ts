import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
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

/** The programs that made a chunk, as they name themselves. */
export interface ToolVersions {
  browser: string;
  /** The driver that WebGL may be drawn with beside the browser's own. */
  webgl: string;
  encoder: string;
}

/** The name of a chunk by what makes it, but for the content of the composition's files. */
export function chunkKey(url: string, { options, fileName }: RenderChunk, tools: ToolVersions): string {
  // Where the hashes are written says nothing; whether they are, does.
  const all = Object.entries({ ...options, frameHashes: options.frameHashes !== undefined });
  const given = all.filter(([name]) => !(IRRELEVANT as readonly string[]).includes(name));
  const made = [
    FORMAT,
    version(),
    stableAddress(url),
    given.sort(([one], [other]) => (one < other ? -1 : 1)),
    fileName.slice(fileName.lastIndexOf('.')),
    tools,
    // Arithmetic and encoders may differ between processors.
    [process.arch, cpus()[0]?.model ?? ''],
  ];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 32);
}

let ownVersion: string | undefined;

function version(): string {
  const read = () => JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as unknown;
  return (ownVersion ??= String((read() as { version?: string }).version));
}
