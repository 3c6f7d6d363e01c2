import { accessSync, constants, lstatSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OptionsError } from '../errors.js';
import { stagedPath } from '../lifecycle/StagedOutput.js';
import { printable } from '../options/readOptions.js';

/** The options that name files to write. `pictures` is a folder, which is created if it does not exist. */
export type PlaceName = 'output' | 'frameHashes' | 'partialOutput' | 'seamFiles' | 'pictures';

/** The files that a request writes, by the names of its options. */
export type Places = Partial<Record<PlaceName, string | undefined>>;

/**
 * Checks, before anything starts, that every file of a request can be written to a path of its own. Writes nothing.
 * `page` is the page's address. Throws an OptionsError that lists every problem.
 */
export function checkPlaces(page: string, places: Places): void {
  const problems: string[] = [];
  const read = pageFile(page);
  const taken = new Map<string, string>(read === undefined ? [] : [[read, 'page']]);
  for (const [name, path] of Object.entries(places)) {
    if (path === undefined && name !== 'output') continue;
    const why = typeof path !== 'string' || path === '' ? notAPath(path) : findProblem(path, name === 'pictures');
    if (why !== undefined) problems.push(`${name} ${why}`);
    if (why !== undefined || path === undefined) continue;
    const real = realPath(path);
    const other = taken.get(real);
    if (other !== undefined) problems.push(`${name} ${path} is the same file as the ${other}`);
    taken.set(real, name);
  }
  if (problems.length > 0) throw new OptionsError(problems);
}

function pageFile(url: string): string | undefined {
  try {
    return url.startsWith('file:') ? realpathSync(fileURLToPath(url)) : undefined;
  } catch {
    // It does not exist, which is reported elsewhere.
    return undefined;
  }
}

/** A file's path with links resolved in its folder, but not in its own name, since a link there would be replaced. */
function realPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

function notAPath(path: unknown): string {
  return `must be the path of a file (given: ${printable(path)})`;
}

function findProblem(path: string, isFolder: boolean): string | undefined {
  if (path.includes('\0')) return 'must not contain a null character';
  const why = isFolder ? folderProblem(path) : fileProblem(path);
  return why && `${path} ${why}`;
}

/** Why no file, and no staged one that is renamed to it, can be written there. */
function fileProblem(path: string): string | undefined {
  const folder = dirname(path);
  try {
    const found = statIfExists(path);
    if (found?.isDirectory()) return 'is a folder: name a file in it';
    if (found && !found.isFile()) return 'exists and is not a file';
    const parent = statIfExists(folder);
    if (!parent) return `cannot be written: there is no folder ${folder}`;
    if (!parent.isDirectory()) return `cannot be written: ${folder} is not a folder`;
    accessSync(folder, constants.W_OK | constants.X_OK);
    lstatSync(stagedPath(path), { throwIfNoEntry: false });
    if (isAnothers(path, parent)) return 'exists and belongs to another user, so only that user can replace it';
    if (found && isMountPoint(path)) return 'is a mount point and cannot be replaced: mount its folder instead';
    return undefined;
  } catch (error) {
    return describeError(error as NodeJS.ErrnoException, folder);
  }
}

function folderProblem(path: string): string | undefined {
  try {
    const found = statIfExists(path);
    if (!found && dirname(path) !== path) return folderProblem(dirname(path));
    if (!found?.isDirectory()) return `cannot be created: ${path} is not a folder`;
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return describeError(error as NodeJS.ErrnoException, path);
  }
}

function describeError({ code, message }: NodeJS.ErrnoException, folder: string): string {
  if (code === 'ENAMETOOLONG') return 'cannot be written: its name is too long';
  if (code === 'EROFS') return `cannot be written: ${folder} is on a read-only disk`;
  if (code === 'EACCES' || code === 'EPERM') return `cannot be written: the folder ${folder} is not writable`;
  return `cannot be written: ${message}`;
}

/** Undefined if nothing exists there. */
function statIfExists(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** In a shared folder with the sticky bit, such as /tmp, only its owner may replace a file. */
function isAnothers(path: string, folder: Stats): boolean {
  const user = process.getuid?.();
  const found = lstatSync(path, { throwIfNoEntry: false });
  const isForAll = (folder.mode & 0o1000) !== 0;
  return isForAll && !!user && found !== undefined && found.uid !== user && folder.uid !== user;
}

/** Whether the path itself is mounted, as containers do with single files. */
function isMountPoint(path: string): boolean {
  // The kernel writes space, tab, newline and backslash in octal (proc(5)).
  const escaped = path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  try {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return mounts.some((mount) => mount.split(' ')[4] === escaped);
  } catch {
    return false;
  }
}
