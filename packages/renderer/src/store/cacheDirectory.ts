import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The default folder for kept chunks: `GENLOCK_CACHE`, or else in the user's cache folder (`XDG_CACHE_HOME` or
 * `~/.cache`; `~/Library/Caches` on macOS; `LOCALAPPDATA` on Windows). Throws the system's error if the user has no
 * home folder.
 */
export function cacheDirectory(): string {
  const named = process.env['GENLOCK_CACHE'];
  if (named) return resolve(named);
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'genlock');
  const base =
    process.platform === 'win32'
      ? (process.env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'))
      : process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return resolve(base, 'genlock');
}
