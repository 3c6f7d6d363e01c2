import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OptionsError, shortUrl } from '../errors.js';

const SCHEMES = ['http:', 'https:', 'file:', 'data:', 'about:'];
const ADVICE = 'give an http:, https:, file: or data: address, or the path of a file';

/**
 * Calls `check` with the address of the page that `given` names: an address as it is, or the path of a file as a
 * `file:` address. Throws an OptionsError with the problems of `given` and those that `check` finds. Only with `look`
 * is a path looked up, to see whether it leads to a file.
 */
export function withAddress<T>(given: string, look: boolean, check: (url: string) => T): T {
  const { url, problem } = addressOf(given, look);
  let checked: T;
  try {
    checked = check(url);
  } catch (error) {
    if (problem === undefined || !(error instanceof OptionsError)) throw error;
    throw new OptionsError([problem, ...error.problems]);
  }
  if (problem !== undefined) throw new OptionsError([problem]);
  return checked;
}

function addressOf(given: unknown, look: boolean): { url: string; problem?: string } {
  const bad = (problem: string) => ({ url: '', problem: `compositionUrl ${problem}` });
  if (typeof given !== 'string')
    return bad(`must be text (given: ${given === null ? 'null' : typeof given}): ${ADVICE}`);
  const text = given.trim();
  if (text === '' || text.includes('\0'))
    return bad(`${text === '' ? 'is empty' : 'contains a null character'}: ${ADVICE}`);
  const path = resolve(text);
  // A scheme has at least two letters, so `C:\page.html` is a path.
  const [scheme] = /^[a-z][a-z0-9+.-]+:/i.exec(text) ?? [];
  if (scheme !== undefined && !(look && kindOf(path) === 'file')) {
    if (SCHEMES.includes(scheme.toLowerCase()) && URL.canParse(text)) return { url: text };
    const hint = /^[\w.-]+:\d+(\/|$)/.test(text) ? ` (did you mean http://${text}?)` : '';
    return bad(`${shortUrl(text)} is not the address of a page${hint}: ${ADVICE}`);
  }
  const kind = look ? kindOf(path) : 'file';
  if (kind === 'folder') return bad(`${path} is a folder: name the page in it`);
  if (kind === undefined) return bad(`${shortUrl(text)} is not an address, and there is no file ${path}: ${ADVICE}`);
  return { url: pathToFileURL(path).href };
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}
