import { onPath } from './tools.mjs';
import { run, SetupError, tail } from './run.mjs';

/** @typedef {import('./tools.mjs').Place} Place */

const DESCRIPTIONS = {
  browser: 'chromium-headless-shell, the browser that draws the pages',
  ffmpeg: 'ffmpeg and ffprobe',
  fonts: 'a font',
};

const APT_PACKAGES = { browser: 'chromium-headless-shell', ffmpeg: 'ffmpeg', fonts: 'fonts-dejavu-core' };

/** What nothing depends on, and is installed with the rest: a driver that draws WebGL in half the time. */
const WELCOME = ['mesa-vulkan-drivers'];

/** Other systems' packages, for the message alone; their browser comes from its own download. */
const OTHER_MANAGERS = {
  dnf: { install: 'sudo dnf install -y', ffmpeg: 'ffmpeg-free', fonts: 'dejavu-sans-fonts' },
  pacman: { install: 'sudo pacman -S --needed', ffmpeg: 'ffmpeg', fonts: 'ttf-dejavu' },
  zypper: { install: 'sudo zypper install -y', ffmpeg: 'ffmpeg', fonts: 'dejavu-fonts' },
  brew: { install: 'brew install', ffmpeg: 'ffmpeg' },
};

export function aptPackages(missing) {
  return missing.map((name) => APT_PACKAGES[name]);
}

/** The packages that `apt-cache policy` (in English) says can be installed. */
export function installable(policy) {
  const names = new Set();
  let name;
  for (const line of policy.split('\n')) {
    const heading = /^(\S+):$/.exec(line);
    if (heading) name = heading[1];
    const candidate = /^\s+Candidate: (.+)$/.exec(line);
    if (candidate && candidate[1] !== '(none)') names.add(name);
  }
  return names;
}

function packageManagerHint(missing, place, inApt) {
  if (onPath('apt-get', place)) {
    const packages = aptPackages(missing.filter((name) => name !== 'browser' || inApt));
    if (packages.length === 0) return [];
    return [
      `Install with: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    ];
  }
  const others = missing.filter((name) => name !== 'browser');
  if (others.length === 0) return [];
  const manager = Object.keys(OTHER_MANAGERS).find((name) => onPath(name, place));
  if (!manager) return [`Install with your system's package manager: ${others.join(', ')}`];
  const names = OTHER_MANAGERS[manager];
  return [`Install with: ${names.install} ${others.map((name) => names[name] ?? name).join(' ')}`];
}

function browserHint(place, inApt) {
  const or = inApt && onPath('apt-get', place) ? 'Or take the' : 'Take the';
  const hint = [
    `${or} browser from its own download, which Genlock finds by itself:`,
    '  npx @puppeteer/browsers install chrome-headless-shell@stable --path ~/.cache/puppeteer',
  ];
  if (place.platform === 'linux') hint.push('  (as root, --install-deps adds the system libraries that it needs)');
  hint.push('For a browser in any other place, set GENLOCK_BROWSER to the path of its program.');
  return hint;
}

/**
 * What to tell somebody whose system lacks tools that could not be installed.
 * @param {string[]} missing
 * @param {Place} place
 * @param {{ inApt?: boolean }} [known] whether apt has the browser
 */
export function missingMessage(missing, place, { inApt = true } = {}) {
  return [
    'Genlock needs these and did not find them:',
    ...missing.map((name) => `  - ${DESCRIPTIONS[name]}`),
    ...packageManagerHint(missing, place, inApt),
    ...(missing.includes('browser') ? browserHint(place, inApt) : []),
  ].join('\n');
}

/**
 * The start of a command line that runs as root without asking for a password; undefined when
 * there is none or the system has no apt.
 * @param {Place} place
 */
function rootPrefix(place, uid) {
  if (!onPath('apt-get', place)) return undefined;
  if (uid === 0) return [];
  const sudo = onPath('sudo', place) !== undefined && run('sudo', ['-n', 'true'], { env: place.env }).ok;
  return sudo ? ['sudo', '-n'] : undefined;
}

const LOCKED = /Could not get lock|Unable to (acquire|lock)/;
const LOCK_PATIENCE_MS = 120_000;

/** apt-get as root. dpkg's lock is waited for by apt itself, the locks of its lists and downloads are not. */
function aptGet(prefix, args, env) {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  // Through `env`, as sudo passes none of the variables on.
  const command = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C', 'apt-get'];
  for (;;) {
    const result = run(command[0], [...command.slice(1), '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
    if (result.ok || !LOCKED.test(result.output) || Date.now() > deadline) return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  }
}

/**
 * Installs what is missing with apt. Throws what to tell the user where it cannot; whether the
 * tools are there afterwards is for the caller to see.
 * @param {string[]} missing
 * @param {Place} place
 * @returns {{ installed: string[], inApt: boolean }}
 */
export function installTools(missing, place, uid, say) {
  const prefix = rootPrefix(place, uid);
  if (!prefix) throw new SetupError(missingMessage(missing, place));
  const wanted = [...aptPackages(missing), ...WELCOME];
  say(`installing ${wanted.join(', ')} with apt-get…`);

  // One source that fails to update need not matter: the install tells.
  const update = aptGet(prefix, ['update'], place.env);
  const policy = run('apt-cache', ['policy', ...wanted], { env: { ...place.env, LC_ALL: 'C' } });
  const offered = installable(policy.stdout);
  const packages = wanted.filter((name) => offered.has(name));
  const inApt = !missing.includes('browser') || offered.has(APT_PACKAGES.browser);
  if (packages.length === 0) {
    const reason = update.ok ? '' : `apt-get update failed:\n${tail(update.output)}\n\n`;
    throw new SetupError(reason + missingMessage(missing, place, { inApt }));
  }
  const install = aptGet(prefix, ['install', '-y', '--no-install-recommends', ...packages], place.env);
  if (!install.ok) {
    throw new SetupError(
      `${tail(install.output)}\n\napt-get failed: the end of its output is above.\n${missingMessage(missing, place, { inApt })}`,
    );
  }
  return { installed: packages, inApt };
}
