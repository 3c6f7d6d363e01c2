import { stat } from 'node:fs/promises';
import { realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError, type RenderEvent } from '@genlock/renderer';
import { defined, type PageFlags } from './flags.js';
import { isHidden } from './hidden.js';
import { printableName } from './printable.js';
import type { FolderOptions } from './server.js';

/** The requested page: a web address, or a file on this machine. */
export type PageInput =
  | { kind: 'address'; url: string }
  | {
      kind: 'file';
      /** Absolute path of the page. */
      file: string;
      /** Absolute path of the folder that is served with it. */
      root: string;
      /** Query and fragment to append to the page's address. */
      suffix: string;
      /** The `file:` address, from which the page's declaration is read. */
      url: string;
    };

/** The page's address for as long as it is open. */
export interface OpenPage extends AsyncDisposable {
  readonly url: string;
  /** Replaces our server's addresses in a message with the paths of the user's files. */
  readonly withPaths: (text: string) => string;
}

/** Resolves the page argument. Throws an InputError if there is nothing to open. */
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
      `the page ${file} is hidden in ${root}: part of its path begins with a dot. Use --allow-dotfiles to serve it`,
    );
  }
  return { kind: 'file', file, root, suffix, url: pathToFileURL(file).href };
}

/** How to serve a page's folder. `onEvent` receives a warning for each file that is withheld because it is hidden. */
export function folderOptions({ allowDotfiles }: PageFlags, onEvent: (event: RenderEvent) => void): FolderOptions {
  const message = (path: string) =>
    `${path} is not served: part of its path begins with a dot, as in the names of private files (--allow-dotfiles serves it)`;
  return defined({ allowDotfiles, onHidden: (path: string) => onEvent({ type: 'warning', message: message(path) }) });
}

/** Makes the page reachable for browsers. The folder of a file is served until the result is disposed of. */
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

/** A scheme has at least two letters, so that `C:\page.html` is a path. An existing file takes precedence. */
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

/** `page.html?theme=dark#end` is page.html with a suffix, unless a file has exactly that name. */
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
    if (code === 'EACCES') throw new InputError(`${path} cannot be read: permission denied`);
    const hint = /^[\w-]+(\.[\w-]+)+([:/]|$)/.test(argument) && !/\.(x?html?|svg)$/i.test(argument);
    throw new InputError(
      `there is no file or folder ${path}${hint ? ` (an address begins with http:// or https://)` : ''}`,
    );
  }
  if (!found.isDirectory()) return path;
  const index = join(path, 'index.html');
  if (!exists(index)) throw new InputError(`the folder ${path} holds no index.html: give the page's own path`);
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
