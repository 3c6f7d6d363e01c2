import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The root of the repository. Beside the compiled tests there are only links to what is not compiled, and neither npm
 * nor the server of the command line follows a link out of a folder.
 */
export const REPOSITORY = dirname(realpathSync(join(import.meta.dirname, '../../../../package.json')));
