import { appendFileSync, lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isOwner, type Owner } from './owner.js';

/** The file in a host directory that names its owner and lists what belongs to it. */
const FILE_NAME = 'genlock-owner.jsonl';

/** How many obsolete lines the record may contain before it is rewritten without them. */
const MAX_STALE_LINES = 1000;

/** One line of the record. Removals are lines as well, so that lines are only ever appended. */
type Line =
  | { owner: Owner }
  | { group: number; startTime?: string | undefined }
  | { ended: number }
  | { path: string }
  | { gone: string };

/** What a host has acquired and not yet released. */
export interface HostContents {
  owner: Owner;
  /** Leaders of process groups, with their start times. */
  groups: Map<number, string | undefined>;
  /** Files outside the host directory. */
  paths: Set<string>;
}

/**
 * The ownership record of one Node process that renders. It gets a line, without delay, for
 * each process and file that somebody else must remove if this process is killed.
 */
export class HostRecord {
  readonly #path: string;
  readonly #contents: HostContents;
  #lines = 0;

  constructor(
    readonly directory: string,
    readonly owner: Owner,
  ) {
    this.#path = join(directory, FILE_NAME);
    this.#contents = { owner, groups: new Map(), paths: new Set() };
    appendFileSync(this.#path, `${JSON.stringify({ owner })}\n`, { mode: 0o600 });
  }

  add(line: Line): void {
    const { groups, paths } = this.#contents;
    apply(this.#contents, line);
    try {
      if (++this.#lines > groups.size + paths.size + MAX_STALE_LINES) this.#rewrite();
      else appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    } catch {
      // A full disk takes no line. Processes can also be found by the token in their environment.
    }
  }

  /** Drops obsolete lines, since a host may live for months. There is always one complete record, the old or the new. */
  #rewrite(): void {
    const { owner, groups, paths } = this.#contents;
    const lines: Line[] = [{ owner }];
    for (const [group, startTime] of groups) lines.push({ group, startTime });
    for (const path of paths) lines.push({ path });
    const next = `${this.#path}.next`;
    writeFileSync(next, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    renameSync(next, this.#path);
    this.#lines = lines.length;
  }
}

/** Applies one line of the record. */
function apply({ groups, paths }: HostContents, line: Line): void {
  if ('group' in line) groups.set(line.group, line.startTime);
  else if ('ended' in line) groups.delete(line.ended);
  else if ('path' in line) paths.add(line.path);
  else if ('gone' in line) paths.delete(line.gone);
}

/**
 * Reads the record of a host directory. Undefined if there is none, or if it cannot be trusted: the folder or
 * file belongs to another user, or is a link.
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
  for (const line of lines) if (line) apply(contents, line);
  return contents;
}

/** Undefined for an invalid line: the last one may be cut off if its writer was killed, and anybody can write a file. */
function parseLine(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return isLine(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isLine(line: unknown): line is Line {
  if (typeof line !== 'object' || line === null) return false;
  const { owner, group, startTime, ended, path, gone } = line as Record<string, unknown>;
  if (owner !== undefined) return isOwner(owner);
  if (group !== undefined) return isPid(group) && (startTime === undefined || typeof startTime === 'string');
  if (ended !== undefined) return isPid(ended);
  const named = path === undefined ? gone : path;
  // A relative path would be resolved in whatever folder this process is in.
  return typeof named === 'string' && isAbsolute(named);
}

/** Whether it can be a process that we have started. 1 and below have other meanings for `kill`. */
function isPid(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 1;
}

function isOurs(path: string, kind: 'file' | 'directory'): boolean {
  const stats = lstatSync(path);
  const isKind = kind === 'file' ? stats.isFile() : stats.isDirectory();
  return isKind && (process.getuid === undefined || stats.uid === process.getuid());
}

let current: HostRecord | undefined;

/** The record of the host directory that is in use now, if any. */
export function currentRecord(): HostRecord | undefined {
  return current;
}

export function setCurrentRecord(record: HostRecord | undefined): void {
  current = record;
}
