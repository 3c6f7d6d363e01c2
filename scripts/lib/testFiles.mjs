import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const SUFFIXES = ['.test.ts', '.test.mjs'];
const LONG = /\.long\.test\.(ts|mjs)$/;

/** The folders that hold tests. */
export function testFolders(root) {
  const packages = readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `packages/${entry.name}/tests`);
  return [...packages, 'examples/tests', 'scripts/tests', 'bench/tests'];
}

/**
 * The test files to run: all fast ones, with `all` the long ones too. Filters narrow it down: a
 * file's own path, which is taken even if it is long, or a part of a path.
 * @param {string[]} files paths from the root, with "/"
 * @param {{ all?: boolean, filters?: string[] }} [choice]
 */
export function chooseTests(files, { all = false, filters = [] } = {}) {
  return files
    .filter((file) => SUFFIXES.some((suffix) => file.endsWith(suffix)))
    .filter((file) => filters.includes(file) || all || !LONG.test(file))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
}
