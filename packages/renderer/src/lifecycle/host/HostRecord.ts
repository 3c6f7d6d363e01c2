import { appendFileSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from './owner.js';

/** The file in a host directory that says whose it is and what belongs to it. */
const FILE_NAME = 'genlock-owner.jsonl';

/** One line of the record. What is gone again is said too, so that lines are only ever added. */
type Line =
  | { owner: Owner }
  | { group: number; startTime?: string | undefined }
  | { ended: number }
  | { path: string }
  | { gone: string };

/** What a host has acquired and not yet given back. */
export interface HostContents {
  owner: Owner;
  /** Leaders of process groups, with their start times. */
  groups: Map<number, string | undefined>;
  /** Files outside the host directory. */
  paths: Set<string>;
}

/**
 * The ownership record of one Node process that renders. A line is written, without delay, for
 * each process and file that somebody else must remove if this process is killed.
 */
export class HostRecord {
  readonly #path: string;

  constructor(
    readonly directory: string,
    readonly owner: Owner,
  ) {
    this.#path = join(directory, FILE_NAME);
    appendFileSync(this.#path, `${JSON.stringify({ owner })}\n`, { mode: 0o600 });
  }

  add(line: Line): void {
    try {
      appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    } catch {
      // On a full disk nothing can be noted; the token in the processes' environment finds them too.
    }
  }
}

/**
 * Reads the record of a host directory. Undefined where there is none, or where it is not safe to
 * believe: a folder or file of another user, or a link.
 */
export function readRecord(directory: string): HostContents | undefined {
  let text: string;
  try {
    if (!isOurs(directory, 'directory') || !isOurs(join(directory, FILE_NAME), 'file')) return undefined;
    text = readFileSync(join(directory, FILE_NAME), 'utf8');
  } catch {
    return undefined;
  }
  const [first, ...lines] = text.split('\n').map(parseLine);
  if (!first || !('owner' in first)) return undefined;
  const { owner } = first;
  const contents: HostContents = { owner, groups: new Map(), paths: new Set() };
  for (const line of lines) {
    if (!line) continue;
    if ('group' in line) contents.groups.set(line.group, line.startTime);
    else if ('ended' in line) contents.groups.delete(line.ended);
    else if ('path' in line) contents.paths.add(line.path);
    else if ('gone' in line) contents.paths.delete(line.gone);
  }
  return contents;
}

/** The last line may be torn where its writer was killed. */
function parseLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

function isOurs(path: string, kind: 'file' | 'directory'): boolean {
  const stats = lstatSync(path);
  const isKind = kind === 'file' ? stats.isFile() : stats.isDirectory();
  return isKind && (process.getuid === undefined || stats.uid === process.getuid());
}

let current: HostRecord | undefined;

/** The record of the host directory that is held now, if any. */
export function currentRecord(): HostRecord | undefined {
  return current;
}

export function setCurrentRecord(record: HostRecord | undefined): void {
  current = record;
}
