import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingOutputs, outputSignature, sourceSignature } from '../lib/build.mjs';
import { filesBelow } from '../lib/files.mjs';
import { nodeComplaint } from '../lib/nodeVersion.mjs';
import { dependenciesAreReady, npmCommand, satisfiesLock } from '../lib/npm.mjs';
import { chooseTests } from '../lib/testFiles.mjs';
import { temporaryFolder, write, writePrograms } from './support.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function setup(env = {}) {
  return spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

/** When each file that setup writes was last written. */
function writtenTimes() {
  const folders = ['packages/renderer/dist', 'packages/cli/dist', 'examples/vendor'].map((name) => join(root, name));
  const files = [...folders.flatMap((folder) => filesBelow(folder)), join(root, 'node_modules', '.package-lock.json')];
  return files.map((file) => [file, statSync(file).mtimeMs, statSync(file).ctimeMs]);
}

test('a second run of setup says nothing and writes nothing', () => {
  const first = setup();
  assert.equal(first.status, 0, first.stderr);
  const before = writtenTimes();
  const second = setup();
  assert.deepEqual([second.status, second.stdout, second.stderr], [0, '', '']);
  assert.deepEqual(writtenTimes(), before);
});

test('setup calls apt-get for a tool that is not on the PATH, and for no other that is needed', (t) => {
  const bin = temporaryFolder(t);
  writePrograms(bin, {
    env: 'exec /usr/bin/env "$@"',
    sudo: 'shift; [ "$1" = true ] || exec "$@"',
    'apt-cache': 'for name in ffmpeg mesa-vulkan-drivers; do echo "$name:"; echo "  Candidate: 1.0"; done',
    'apt-get': `case "$*" in *install*) for tool in ffmpeg ffprobe; do echo '#!/bin/sh' >'${bin}'/$tool; /bin/chmod +x '${bin}'/$tool; done;; esac`,
    'chromium-headless-shell': '',
    'fc-list': 'echo font',
  });
  const env = { PATH: bin, GENLOCK_BROWSER: '', GENLOCK_FFMPEG: '' };
  const { status, stdout, stderr } = setup(env);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(
    stdout,
    /^installing ffmpeg, mesa-vulkan-drivers with apt-get…\nsetup: installed ffmpeg, mesa-vulkan-drivers \(/,
  );
  assert.equal(setup(env).stdout, '');
});

test('a wrong variable ends setup with a message', () => {
  const { status, stderr } = setup({ GENLOCK_BROWSER: '/nowhere/shell' });
  assert.deepEqual([status, stderr.split(':')[0]], [1, 'GENLOCK_BROWSER is /nowhere/shell']);
});

test('an old Node is refused with a message', () => {
  assert.equal(nodeComplaint('v20.19.0'), undefined);
  assert.equal(nodeComplaint('22.1.0'), undefined);
  assert.match(nodeComplaint('20.18.3'), /needs Node 20\.19 or newer; this is 20\.18\.3/);
  assert.match(nodeComplaint('v18.20.0'), /needs Node/);
});

function lock(packages) {
  return JSON.stringify({ packages });
}

test('the installed packages must be those of the lock file', () => {
  const wanted = lock({
    '': { name: 'genlock-workspace' },
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/for-another-system': { version: '1.0.0', integrity: 'y', optional: true },
  });
  assert.ok(satisfiesLock(wanted, lock({ 'node_modules/a': { version: '1.0.0', integrity: 'x' } })));
  assert.ok(!satisfiesLock(wanted, lock({ 'node_modules/a': { version: '1.0.1', integrity: 'z' } })));
  assert.ok(!satisfiesLock(wanted, lock({})));
});

test('dependencies without a record of an install are not ready', (t) => {
  const folder = temporaryFolder(t);
  const packages = lock({ 'node_modules/a': { version: '1.0.0' } });
  write(folder, { 'package-lock.json': packages });
  assert.equal(dependenciesAreReady(folder), false);
  write(folder, { 'node_modules/.package-lock.json': packages });
  assert.equal(dependenciesAreReady(folder), true);
});

test('npm is the one that runs us, else the one on the PATH', () => {
  assert.deepEqual(npmCommand({ npm_execpath: '/lib/npm/bin/npm-cli.js' }, 'linux'), [
    process.execPath,
    '/lib/npm/bin/npm-cli.js',
  ]);
  assert.deepEqual(npmCommand({ npm_execpath: '/lib/yarn.js' }, 'linux'), ['npm']);
  assert.deepEqual(npmCommand({}, 'linux'), ['npm']);
});

test('the build is stale when a source changes, appears or goes, but not when only its time does', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'packages/renderer/src/a.ts');
  write(folder, { 'packages/renderer/src/a.ts': 'let a = 1;' });
  const signature = sourceSignature(folder);
  utimesSync(file, 1, 1);
  assert.equal(sourceSignature(folder), signature);
  writeFileSync(file, 'let a = 2;');
  assert.notEqual(sourceSignature(folder), signature);
  writeFileSync(file, 'let a = 1;');
  assert.equal(sourceSignature(folder), signature);
  write(folder, { 'packages/renderer/src/page/b.ts': '' });
  assert.notEqual(sourceSignature(folder), signature);
});

test('the build is stale when what was built changes or goes', (t) => {
  const folder = temporaryFolder(t);
  write(folder, { 'packages/cli/src/a.ts': '', 'packages/cli/src/types.d.ts': '', 'packages/cli/dist/a.js': '' });
  assert.deepEqual(missingOutputs(folder), []);
  const signature = outputSignature(folder);
  utimesSync(join(folder, 'packages/cli/dist/a.js'), 1, 1);
  assert.notEqual(outputSignature(folder), signature);
  write(folder, { 'packages/renderer/src/page/b.ts': '' });
  assert.deepEqual(missingOutputs(folder), [join(folder, 'packages/renderer/dist/page/b.js')]);
});

test('which test files run', () => {
  const files = ['packages/cli/tests/a.test.ts', 'packages/cli/tests/b.long.test.ts', 'packages/cli/tests/support.ts'];
  const [fast, long] = files;
  assert.deepEqual(chooseTests(files), [fast]);
  assert.deepEqual(chooseTests(files, { all: true }), [fast, long]);
  assert.deepEqual(chooseTests(files, { filters: ['/a.'] }), [fast]);
  assert.deepEqual(chooseTests(files, { filters: [long] }), [long]);
  assert.deepEqual(chooseTests(files, { filters: ['b.long'] }), []);
});
