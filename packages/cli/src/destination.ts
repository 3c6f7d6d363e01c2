import { constants, lstatSync, statSync, type Stats } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** A file that a command is about to write. */
export interface Destination {
  path: string;
  /** `the output`, `--frame-hashes`: how messages call it. */
  name: string;
  /** Whether a file of this name may be replaced. */
  overwrite: boolean;
  /** Files that the command reads or writes too, with the names that messages give them. */
  others: readonly { path: string; name: string }[];
}

/** Everything that stands in the way of writing a file there, one sentence each. Writes nothing. */
export async function checkDestination({ path, name, overwrite, others }: Destination): Promise<string[]> {
  if (path === '') return [`${name} has no name`];
  const problems: string[] = [];
  const target = resolve(path);
  const found = look(target);

  if (found?.isDirectory() || /[\\/]$/.test(path)) {
    problems.push(`${name} ${path} is a folder: name a file in it`);
  } else {
    const same = others.filter((other) => isSame(target, found, other.path));
    for (const other of same) problems.push(`${name} ${path} is the same file as ${other.name}`);
    // A link that leads nowhere would be replaced too.
    const exists = look(target, lstatSync) !== undefined;
    if (found && !found.isFile()) problems.push(`${name} ${path} is there already and is not a file`);
    else if (exists && !overwrite && same.length === 0) {
      problems.push(`${name} ${path} exists already: choose another name, or replace it with --overwrite`);
    }
    problems.push(...(await checkFolder(dirname(target), name)));
  }
  return problems;
}

/** The same for a folder whose files may be replaced; it is made when it is not there. */
export async function checkOutputFolder(path: string, name: string): Promise<string[]> {
  if (path === '') return [`${name} has no name`];
  const target = resolve(path);
  return checkFolder(look(target, lstatSync) ? target : dirname(target), name);
}

async function checkFolder(folder: string, name: string): Promise<string[]> {
  const found = look(folder);
  if (!found) return [`the folder of ${name} does not exist: mkdir -p ${folder}`];
  if (!found.isDirectory()) return [`${name} cannot be written: ${folder} is not a folder`];
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return [];
  } catch {
    return [`${name} cannot be written: the folder ${folder} is not writable`];
  }
}

function isSame(target: string, found: Stats | undefined, other: string): boolean {
  const otherPath = resolve(other);
  if (otherPath === target) return true;
  const otherFound = found && look(otherPath);
  return otherFound !== undefined && otherFound.dev === found!.dev && otherFound.ino === found!.ino;
}

function look(path: string, read: typeof statSync = statSync): Stats | undefined {
  try {
    return read(path, { throwIfNoEntry: false });
  } catch {
    // A part of the path may be a file, or closed to us: there is nothing that we could use.
    return undefined;
  }
}
