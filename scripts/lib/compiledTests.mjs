import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where tsconfig.json puts the compiled tests: in the folders and under the names that they have in the repository. */
const COMPILED = '.cache/tests';

/** The compiled file of a test file; one that is JavaScript runs where it is. */
export function compiledTest(file) {
  return file.endsWith('.ts') ? `${COMPILED}/${file.replace(/ts$/, 'js')}` : file;
}

/** Removes what was compiled before: a test may have been renamed since. */
export function clearCompiledTests(root) {
  rmSync(join(root, COMPILED), { recursive: true, force: true });
}

/**
 * Puts links to all else of the repository beside the compiled tests: pages, expected pictures, the programs that
 * they start. They find the built packages under the name of the sources.
 */
export function linkBesideTests(root) {
  mkdirSync(join(root, 'out'), { recursive: true });
  linkRest(root, join(root, COMPILED), ['.git', '.cache']);
}

function linkRest(from, to, skipped = []) {
  for (const { name } of readdirSync(from, { withFileTypes: true })) {
    const place = join(to, name);
    if (skipped.includes(name)) continue;
    if (existsSync(place)) {
      if (lstatSync(place).isDirectory()) linkRest(join(from, name), place);
    } else {
      const built = name === 'src' && existsSync(join(from, 'dist'));
      symlinkSync(join(from, built ? 'dist' : name), place);
    }
  }
}
