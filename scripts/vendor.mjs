// Copies the library files that the example pages use from the installed npm
// packages into examples/vendor/. The list is the "vendor" key of
// examples/package.json: { "<package>/<file in it>": "<file in examples/vendor>" }.
//
// Run: node scripts/vendor.mjs    (quick and silent when there is nothing to do)

import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const manifest = join(examples, 'package.json');
const { vendor = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
const { resolve } = createRequire(manifest);

/**
 * The folder of an installed package. Asking for one of its files would fail
 * when its "exports" hide that file, so only the places to look in are asked for.
 */
function packageFolder(name) {
  for (const modules of resolve.paths(name) ?? []) {
    const folder = join(modules, name);
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  throw new Error(`The package ${name} is not installed: run npm install.`);
}

/** "@scope/name/a/b.js" -> ["@scope/name", "a/b.js"] */
function splitSpecifier(specifier) {
  const parts = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  return [parts.slice(0, length).join('/'), parts.slice(length).join('/')];
}

function isSame(source, target) {
  const a = statSync(source);
  const b = statSync(target, { throwIfNoEntry: false });
  return b !== undefined && a.size === b.size && Math.abs(a.mtimeMs - b.mtimeMs) < 1000;
}

try {
  for (const [specifier, file] of Object.entries(vendor)) {
    const [name, inner] = splitSpecifier(specifier);
    const source = join(packageFolder(name), inner);
    const target = join(examples, 'vendor', file);
    if (!existsSync(source)) throw new Error(`${source} does not exist.`);
    if (isSame(source, target)) continue;

    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
    const { atime, mtime } = statSync(source);
    utimesSync(target, atime, mtime);
    console.log(`vendored ${specifier} -> examples/vendor/${file}`);
  }
} catch (error) {
  console.error(`vendor: ${error.message}`);
  process.exitCode = 1;
}
