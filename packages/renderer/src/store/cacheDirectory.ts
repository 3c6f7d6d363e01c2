import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where chunks are kept: `GENLOCK_CACHE`, else the user's folder for caches as the system has it
 * (`XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches` on macOS, `LOCALAPPDATA` on Windows). Throws the system's error
 * where the user has none.
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
