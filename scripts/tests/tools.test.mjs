import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aptPackages, installable, installTools, missingMessage } from '../lib/systemPackages.mjs';
import { brokenVariables, missingTools } from '../lib/tools.mjs';
import { temporaryFolder, write, writePrograms } from './support.mjs';

const ALL = ['browser', 'ffmpeg', 'fonts'];

/** A system of its own: nothing is found but what the test puts there. */
function emptySystem(t, env = {}) {
  const root = temporaryFolder(t);
  return { env: { PATH: join(root, 'bin'), ...env }, home: join(root, 'home'), platform: 'linux', root };
}

test('an empty system lacks everything', (t) => {
  assert.deepEqual(missingTools(emptySystem(t)), ALL);
});

test('tools on the PATH and fonts in the usual folder are found', (t) => {
  const place = emptySystem(t);
  writePrograms(join(place.root, 'bin'), { 'chromium-headless-shell': '', ffmpeg: '', ffprobe: '' });
  write(place.root, { 'usr/share/fonts/truetype/dejavu/DejaVuSans.ttf': '' });
  assert.deepEqual(missingTools(place), []);
  rmSync(join(place.root, 'bin', 'ffprobe'));
  assert.deepEqual(missingTools(place), ['ffmpeg'], 'ffmpeg without ffprobe is not enough');
});

test("the browser is found in Debian's folder and in the folder of its own download", (t) => {
  const debian = emptySystem(t);
  writePrograms(debian.root, { 'usr/lib/chromium/chromium-headless-shell': '' });
  assert.ok(!missingTools(debian).includes('browser'));

  const download = emptySystem(t);
  const folder = '.cache/puppeteer/chrome-headless-shell/linux-140.0.1/chrome-headless-shell-linux64';
  writePrograms(download.home, { [`${folder}/chrome-headless-shell`]: '' });
  assert.ok(!missingTools(download).includes('browser'));
});

test('a full Chromium is enough only where apt cannot bring the headless shell', (t) => {
  const place = emptySystem(t);
  writePrograms(join(place.root, 'bin'), { 'google-chrome': '' });
  assert.ok(!missingTools(place).includes('browser'));
  writePrograms(join(place.root, 'bin'), { 'apt-get': '' });
  assert.ok(missingTools(place).includes('browser'));
});

test('the variables name tools; a wrong one is told instead of installed around', (t) => {
  const place = emptySystem(t);
  writePrograms(place.root, { 'opt/shell': '', 'opt/ffmpeg': '', 'opt/ffprobe': '' });
  const right = { GENLOCK_BROWSER: join(place.root, 'opt/shell'), GENLOCK_FFMPEG: join(place.root, 'opt/ffmpeg') };
  const set = { ...place, env: { ...place.env, ...right } };
  assert.deepEqual(missingTools(set), ['fonts']);
  assert.deepEqual(brokenVariables(set), []);

  const wrong = { ...place, env: { ...place.env, GENLOCK_BROWSER: '/nowhere/shell' } };
  assert.match(brokenVariables(wrong).join(), /GENLOCK_BROWSER is \/nowhere\/shell/);
});

test('macOS and Windows bring fonts', (t) => {
  assert.deepEqual(missingTools({ ...emptySystem(t), platform: 'darwin' }), ['browser', 'ffmpeg']);
});

test('apt packages are named for what is missing alone', () => {
  assert.deepEqual(aptPackages(['ffmpeg']), ['ffmpeg']);
  assert.deepEqual(aptPackages(ALL), ['chromium-headless-shell', 'ffmpeg', 'fonts-dejavu-core']);
});

test('what apt-cache policy offers', () => {
  const policy = `ffmpeg:
  Installed: (none)
  Candidate: 7:5.1.6-0
  Version table:
     7:5.1.6-0 500
chromium-headless-shell:
  Installed: (none)
  Candidate: (none)
`;
  assert.deepEqual([...installable(policy)], ['ffmpeg']);
});

test('the message names the command, the download and the variable', (t) => {
  const place = emptySystem(t);
  assert.match(missingMessage(ALL, place), /package manager: ffmpeg, fonts\n.*own download/);

  writePrograms(join(place.root, 'bin'), { 'apt-get': '' });
  const message = missingMessage(ALL, place);
  assert.match(message, /apt-get install -y --no-install-recommends chromium-headless-shell ffmpeg fonts-dejavu-core/);
  assert.match(message, /npx @puppeteer\/browsers install chrome-headless-shell@stable --path ~\/\.cache\/puppeteer/);
  assert.match(message, /GENLOCK_BROWSER/);
  assert.doesNotMatch(missingMessage(['ffmpeg'], place), /puppeteer|GENLOCK_BROWSER/);

  const ubuntu = missingMessage(['browser'], place, { inApt: false });
  assert.doesNotMatch(ubuntu, /apt-get install/);
  assert.match(ubuntu, /Take the browser from its own download/);
});

/** A system whose apt-get writes down how it was called, and which offers the given packages. */
function aptSystem(t, { offers, aptGet = '' }) {
  const place = emptySystem(t);
  const log = join(place.root, 'log');
  const policy = offers.map((name) => `echo "${name}:"; echo "  Candidate: 1.0"`).join('\n');
  writePrograms(join(place.root, 'bin'), {
    env: 'exec /usr/bin/env "$@"',
    'apt-get': `echo "$DEBIAN_FRONTEND" "$@" >>'${log}'\n${aptGet}`,
    'apt-cache': policy,
  });
  return { place, calls: () => readFileSync(log, 'utf8').trim().split('\n') };
}

test('as root, apt-get updates its lists and installs what is missing', (t) => {
  const { place, calls } = aptSystem(t, { offers: ['ffmpeg', 'chromium-headless-shell'] });
  const said = [];
  const result = installTools(['browser', 'ffmpeg'], place, 0, (line) => said.push(line));
  assert.deepEqual(result, { installed: ['chromium-headless-shell', 'ffmpeg'], inApt: true });
  assert.deepEqual(calls(), [
    'noninteractive -o DPkg::Lock::Timeout=120 update',
    'noninteractive -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium-headless-shell ffmpeg',
  ]);
  assert.equal(said.length, 1);
});

test('without root it goes through sudo if that asks for no password, else it installs nothing', (t) => {
  const { place, calls } = aptSystem(t, { offers: ['ffmpeg'] });
  const install = () => installTools(['ffmpeg'], place, 1000, () => {});
  assert.throws(install, /sudo apt-get update && sudo apt-get install -y --no-install-recommends ffmpeg$/);
  writePrograms(join(place.root, 'bin'), { sudo: 'exit 1' });
  assert.throws(install, /did not find them/);
  assert.throws(calls, /ENOENT/, 'apt-get was not called');

  writePrograms(join(place.root, 'bin'), { sudo: 'shift; [ "$1" = true ] || exec "$@"' });
  assert.deepEqual(install().installed, ['ffmpeg']);
  assert.equal(calls().length, 2);
});

test('a package that apt does not offer is left out, and the message says what else to do', (t) => {
  const { place, calls } = aptSystem(t, { offers: ['ffmpeg'] });
  const result = installTools(['browser', 'ffmpeg'], place, 0, () => {});
  assert.deepEqual(result, { installed: ['ffmpeg'], inApt: false });
  assert.match(calls()[1], /recommends ffmpeg$/);
  assert.throws(() => installTools(['browser'], place, 0, () => {}), /Take the browser from its own download/);
});

test("apt-get's failure shows the end of its output", (t) => {
  const aptGet = 'case "$*" in *install*) seq 1 100; echo "E: no space left" >&2; exit 100;; esac';
  const { place } = aptSystem(t, { offers: ['ffmpeg'], aptGet });
  assert.throws(
    () => installTools(['ffmpeg'], place, 0, () => {}),
    (error) => error.message.includes('E: no space left') && !error.message.includes('\n50\n'),
  );
});

test('a lock that another apt holds is waited for', (t) => {
  const aptGet =
    'case "$*" in *update) [ -e "$0.seen" ] || { : >"$0.seen"; echo "E: Could not get lock x" >&2; exit 100; };; esac';
  const { place, calls } = aptSystem(t, { offers: ['ffmpeg'], aptGet });
  assert.deepEqual(installTools(['ffmpeg'], place, 0, () => {}).installed, ['ffmpeg']);
  assert.equal(calls().filter((call) => call.endsWith('update')).length, 2);
});
