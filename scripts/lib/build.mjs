import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { filesBelow, hash, readIfThere } from './files.mjs';
import { run, SetupError } from './run.mjs';

const PACKAGES = ['renderer', 'cli'];
const STAMP = '.genlock-build';

function stampPath(root) {
  return join(root, 'packages', 'cli', 'dist', STAMP);
}

function sourceFiles(root) {
  return PACKAGES.flatMap((name) => filesBelow(join(root, 'packages', name, 'src')));
}

/** Contents, not times: a checkout gives every file a fresh time. */
export function sourceSignature(root) {
  const settings = PACKAGES.flatMap((name) =>
    ['tsconfig.json', 'package.json'].map((file) => join(root, 'packages', name, file)),
  );
  const files = [...sourceFiles(root), ...settings, join(root, 'tsconfig.base.json'), join(root, 'package-lock.json')];
  return hash(...files.flatMap((file) => [relative(root, file), readIfThere(file) ?? '']));
}

/** Size and time of all that was built: it changes when somebody else builds or cleans. */
export function outputSignature(root) {
  const skip = (name) => name === STAMP;
  const files = PACKAGES.flatMap((name) => filesBelow(join(root, 'packages', name, 'dist'), skip));
  return hash(
    ...files.map((file) => {
      const { size, mtimeMs } = statSync(file);
      return `${relative(root, file)} ${size} ${mtimeMs}`;
    }),
  );
}

/** The built file of every source file that is not there. */
export function missingOutputs(root) {
  return PACKAGES.flatMap((name) => {
    const folder = join(root, 'packages', name);
    const sources = filesBelow(join(folder, 'src')).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
    const outputs = sources.map((file) =>
      join(folder, 'dist', relative(join(folder, 'src'), file).replace(/ts$/, 'js')),
    );
    return outputs.filter((file) => statSync(file, { throwIfNoEntry: false }) === undefined);
  });
}

export function buildIsReady(root) {
  const stamp = readIfThere(stampPath(root));
  return stamp !== undefined && stamp === hash(sourceSignature(root), outputSignature(root));
}

/** Compiles the packages if anything changed since the last time; true when it did. */
export function prepareBuild(root, say) {
  if (buildIsReady(root)) return false;
  say('building the packages…');
  // Read before the build: a change during it must lead to another one.
  const sources = sourceSignature(root);
  build(root, []);
  // TypeScript trusts its own record of the last build; after a file was deleted by hand it does not look.
  if (missingOutputs(root).length > 0) build(root, ['--force']);
  mkdirSync(dirname(stampPath(root)), { recursive: true });
  writeFileSync(stampPath(root), hash(sources, outputSignature(root)));
  return true;
}

function build(root, flags) {
  const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const folders = PACKAGES.map((name) => join('packages', name));
  const { ok, output } = run(process.execPath, [tsc, '--build', ...flags, ...folders], { cwd: root });
  if (!ok) throw new SetupError(`${output.trimEnd()}\nThe build failed: its messages are above.`);
}
