import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash, readIfThere } from './files.mjs';
import { run, SetupError } from './run.mjs';

/**
 * Whether npm's record of what it installed has everything that the lock file asks for.
 * Optional packages may be absent: they are for other systems.
 */
export function satisfiesLock(lockText, installedText) {
  const lock = JSON.parse(lockText).packages;
  const installed = JSON.parse(installedText).packages;
  return Object.entries(lock).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity && !!found.link === !!wanted.link;
  });
}

/** The state of the dependencies: both lock files, so that an install made by hand in between is seen. */
function readState(root) {
  const lock = readIfThere(join(root, 'package-lock.json'));
  const installed = readIfThere(join(root, 'node_modules', '.package-lock.json'));
  return { lock, installed, stamp: lock && installed && hash(lock, installed) };
}

export function dependenciesAreReady(root) {
  const { lock, installed, stamp } = readState(root);
  if (!lock || !installed) return false;
  return readIfThere(join(root, 'node_modules', '.genlock-setup')) === stamp || satisfiesLock(lock, installed);
}

/** Under `npm run` the same npm again, as the one on the PATH may be another; else that one. */
export function npmCommand(env, platform) {
  const cli = env.npm_execpath;
  if (cli && /npm-cli\.c?js$/.test(cli)) return [process.execPath, cli];
  return platform === 'win32' ? ['cmd', '/c', 'npm'] : ['npm'];
}

/** Installs the npm dependencies if they are missing or stale; true when it did. */
export function prepareDependencies(root, say) {
  if (dependenciesAreReady(root)) return false;
  say('installing npm dependencies…');
  const [file, ...first] = npmCommand(process.env, process.platform);
  // The development tools are needed even with NODE_ENV=production, and no package needs its scripts.
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--include=dev', '--include=optional'];
  const { ok, output } = run(file, [...first, 'ci', ...flags], { cwd: root });
  if (!ok) throw new SetupError(`${output.trimEnd()}\nnpm ci failed: its output is above.`);
  const { stamp } = readState(root);
  if (stamp) writeFileSync(join(root, 'node_modules', '.genlock-setup'), stamp);
  return true;
}
