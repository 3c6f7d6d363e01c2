import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

let known: { named: string; path: string } | undefined;

/**
 * The folder for temporary files (TMPDIR), as an absolute path: this process may go elsewhere while it renders. A
 * relative one is `anew` below the folder that it is in when a render begins.
 */
export function temporaryFolder(anew = false): string {
  const named = tmpdir();
  if (anew || known?.named !== named) known = { named, path: resolve(named) };
  return known.path;
}
