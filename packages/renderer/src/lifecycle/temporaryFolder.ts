import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

let known: { named: string; path: string } | undefined;

/**
 * The folder for temporary files (TMPDIR) as an absolute path, since the process may change its working directory
 * during a render. `anew` resolves a relative TMPDIR again, which happens when a render begins.
 */
export function temporaryFolder(anew = false): string {
  const named = tmpdir();
  if (anew || known?.named !== named) known = { named, path: resolve(named) };
  return known.path;
}
