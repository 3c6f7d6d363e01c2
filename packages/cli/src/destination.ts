import { constants, lstatSync, statSync, type Stats } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** A file that a command is about to write. */
export interface Destination {
  path: string;
  /** What messages call it: `the output`, `--frame-hashes`. */
  name: string;
  /** Whether an existing file may be replaced. */
  overwrite: boolean;
  /** Other files that the command reads or writes, with their names in messages. */
  others: readonly { path: string; name: string }[];
}

/** Every reason why a file cannot be written there, one sentence each. Writes nothing. */
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
    // lstat: a dangling link would be replaced as well.
    const exists = look(target, lstatSync) !== undefined;
    if (found && !found.isFile()) problems.push(`${name} ${path} exists and is not a file`);
    else if (exists && !overwrite && same.length === 0) {
      problems.push(`${name} ${path} exists already: choose another name, or replace it with --overwrite`);
    }
    problems.push(...(await checkFolder(dirname(target), name)));
  }
  return problems;
}

/** The same for an output folder. The folder is created if it does not exist; its files may be replaced. */
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
    // A part of the path is a file or not accessible: nothing usable is there.
    return undefined;
  }
}
