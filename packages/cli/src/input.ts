import { stat } from 'node:fs/promises';
import { realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError, type RenderEvent } from '@genlock/renderer';
import { defined, type PageFlags } from './flags.js';
import { isHidden } from './hidden.js';
import { printableName } from './printable.js';
import type { FolderOptions } from './server.js';

/** The page that was asked for: an address on the web, or a file of this machine. */
export type PageInput =
  | { kind: 'address'; url: string }
  | {
      kind: 'file';
      /** Absolute path of the page. */
      file: string;
      /** Absolute path of the folder that is served with it. */
      root: string;
      /** Query and fragment that go with the page's address. */
      suffix: string;
      /** The `file:` address, to read the page with. */
      url: string;
    };

/** The page's address for as long as it is open. */
export interface OpenPage extends AsyncDisposable {
  readonly url: string;
  /** Text for people, with the paths of the user's files in place of the addresses that we gave them. */
  readonly withPaths: (text: string) => string;
}

/** Finds out what the page argument means. Throws an InputError when there is nothing to open. */
export async function locatePage(argument: string, rootFlag?: string, allowDotfiles = false): Promise<PageInput> {
  if (argument === '') throw new InputError('the page has no name: give an address, a file or a folder');
  const isFileUrl = /^file:/i.test(argument);
  if (!isFileUrl && isAddress(argument)) {
    if (/^[\w.-]+:\d+(\/|$)/.test(argument)) {
      throw new InputError(`${argument} is not an address: did you mean http://${argument}?`);
    }
    if (rootFlag !== undefined) throw new InputError('--root goes with a file or folder, not with an address');
    return { kind: 'address', url: argument };
  }
  const { path, suffix } = isFileUrl ? fromFileUrl(argument) : splitSuffix(argument);
  const file = await findPageFile(resolve(path), argument);
  const root = rootFlag === undefined ? dirname(file) : resolve(rootFlag);
  if (rootFlag !== undefined) checkRoot(root, file);
  if (!allowDotfiles && isHidden(relative(root, file))) {
    throw new InputError(
      `the page ${file} is hidden in ${root}: a name begins with a dot. --allow-dotfiles serves what is hidden, too`,
    );
  }
  return { kind: 'file', file, root, suffix, url: pathToFileURL(file).href };
}

/** How the folder of a page is served; `tell` hears of what is not. */
export function folderOptions({ allowDotfiles }: PageFlags, tell: (event: RenderEvent) => void): FolderOptions {
  const message = (path: string) =>
    `${path} is not served: a name on its path begins with a dot, as those of private files do (--allow-dotfiles serves it)`;
  return defined({ allowDotfiles, onHidden: (path: string) => tell({ type: 'warning', message: message(path) }) });
}

/** Makes the page reachable for browsers: a file is served until the result is disposed of. */
export async function openPage(input: PageInput, options: FolderOptions = {}): Promise<OpenPage> {
  if (input.kind === 'address') {
    return { url: input.url, withPaths: (text) => text, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { encodePath, serveFolder } = await import('./server.js');
  const server = await serveFolder(input.root, options);
  return {
    url: `${server.origin}/${encodePath(relative(input.root, input.file))}${input.suffix}`,
    withPaths: (text) => replaceAddresses(text, server.origin, input.root),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function replaceAddresses(text: string, origin: string, root: string): string {
  const address = new RegExp(`${origin.replaceAll('.', '\\.')}/([^\\s:?#()"'<>]*)`, 'g');
  return text.replace(address, (whole, path: string) => {
    try {
      return printableName(join(root, decodeURIComponent(path)));
    } catch {
      return whole;
    }
  });
}

/** A scheme of two letters or more, so that `C:\page.html` is a path; an existing file goes first. */
function isAddress(argument: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(argument) && !exists(argument);
}

function fromFileUrl(argument: string): { path: string; suffix: string } {
  try {
    const url = new URL(argument);
    return { path: fileURLToPath(url), suffix: url.search + url.hash };
  } catch (error) {
    throw new InputError(`${argument} is not the address of a file: ${(error as Error).message}`);
  }
}

/** `page.html?theme=dark#end` is page.html with a suffix, unless a file has just that name. */
function splitSuffix(argument: string): { path: string; suffix: string } {
  const match = /^([^?#]+)([?#].*)$/s.exec(argument);
  if (!match || exists(argument)) return { path: argument, suffix: '' };
  return exists(match[1]!) ? { path: match[1]!, suffix: match[2]! } : { path: argument, suffix: '' };
}

async function findPageFile(path: string, argument: string): Promise<string> {
  let found;
  try {
    found = await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES') throw new InputError(`${path} may not be read`);
    const hint = /^[\w-]+(\.[\w-]+)+([:/]|$)/.test(argument) && !/\.(x?html?|svg)$/i.test(argument);
    throw new InputError(
      `there is no file or folder ${path}${hint ? ` (an address begins with http:// or https://)` : ''}`,
    );
  }
  if (!found.isDirectory()) return path;
  const index = join(path, 'index.html');
  if (!exists(index)) throw new InputError(`the folder ${path} holds no index.html: name the page itself`);
  return index;
}

function checkRoot(root: string, file: string): void {
  if (!exists(root)) throw new InputError(`there is no folder ${root} (--root)`);
  if (!statSync(root).isDirectory()) throw new InputError(`${root} is not a folder (--root)`);
  const from = relative(root, file);
  const inside = !from.startsWith(`..${sep}`) && from !== '..' && resolve(root, from) === file;
  const realRoot = realpathSync(root);
  if (!inside || !realpathSync(file).startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw new InputError(`the page ${file} is not in the folder ${root} (--root): its files could not be served`);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
