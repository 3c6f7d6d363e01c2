import { dirname, join } from 'node:path';

/** The folder of the bench; what runs is compiled into its folder `dist`. */
export const BENCH = import.meta.dirname.replace(/[\\/]dist$/, '');

export const CLI = join(dirname(BENCH), 'packages', 'cli', 'bin', 'genlock.js');
