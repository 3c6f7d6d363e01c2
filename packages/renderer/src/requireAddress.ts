import { OptionsError } from './errors.js';
import { printable } from './readOptions.js';

/** What a browser opens as a page. */
const PROTOCOLS = ['http:', 'https:', 'file:', 'data:', 'about:'];

/**
 * Throws an OptionsError where the page has no address. `any` text is one where an executor of the caller's own
 * reads it.
 */
export function requireAddress(url: unknown, kind: 'url' | 'any' = 'url'): void {
  const fault = addressFault(url, kind);
  if (fault !== undefined) throw new OptionsError([`compositionUrl ${fault}`]);
}

function addressFault(url: unknown, kind: 'url' | 'any'): string | undefined {
  if (typeof url !== 'string' || url === '') return `must be the address of a page (given: ${printable(url)})`;
  if (kind === 'any') return undefined;
  if (!URL.canParse(url)) {
    const advice = 'the address of a file is pathToFileURL(path).href';
    return `must be an address such as https://example.com/ or file:///page.html (given: ${printable(url)}); ${advice}`;
  }
  const known = PROTOCOLS.includes(new URL(url).protocol);
  return known ? undefined : `must begin with ${PROTOCOLS.join(', ')} (given: ${printable(url)})`;
}
