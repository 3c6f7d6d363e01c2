import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { filesBelow } from './files.mjs';
import { run } from './run.mjs';

/**
 * Where to look. `root` stands before the fixed places, so that a test can offer a system without
 * any tools.
 * @typedef {{ env: NodeJS.ProcessEnv, home: string, platform: string, root?: string }} Place
 */

// The same places as in packages/renderer/src/browser/findBrowser.ts, which is not built yet.
const SHELL_NAMES = ['chromium-headless-shell', 'chrome-headless-shell', 'headless_shell', 'headless-shell'];
const SHELL_PLACES = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/bin/chromium-headless-shell',
  '/usr/lib64/chromium-browser/headless_shell',
  '/usr/lib/chromium/headless_shell',
];
const FULL_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const FULL_PLACES = [
  '/usr/lib/chromium/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const FONT_PLACES = ['/usr/share/fonts', '/usr/local/share/fonts'];

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** @param {Place} place */
export function onPath(name, { env, platform }) {
  const file = platform === 'win32' ? `${name}.exe` : name;
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, file)).find(isProgram);
}

function folderNames(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A browser's own download: <cache>/<kind>/<system>-<version>/<kind>-<system>/<kind>. */
function isDownloaded(kind, { home, platform }) {
  const cache = join(home, '.cache', 'puppeteer', kind);
  const file = platform === 'win32' ? `${kind}.exe` : kind;
  return folderNames(cache).some((version) =>
    folderNames(join(cache, version)).some((system) => isProgram(join(cache, version, system, file))),
  );
}

/** A tool that a variable names: by its path, or by a name on the PATH. */
function isNamed(value, place) {
  return isProgram(value) || (!value.includes('/') && onPath(value, place) !== undefined);
}

/** @param {Place} place */
function findBrowser(place) {
  const { env, root = '/' } = place;
  if (env.GENLOCK_BROWSER) return isNamed(env.GENLOCK_BROWSER, place);
  const anyOf = (names, places) =>
    names.some((name) => onPath(name, place)) || places.some((path) => isProgram(join(root, path)));
  if (anyOf(SHELL_NAMES, SHELL_PLACES) || isDownloaded('chrome-headless-shell', place)) return true;
  // A full Chromium will do, but the headless shell draws exact frames faster: where apt may have it, it is wanted.
  return !onPath('apt-get', place) && (anyOf(FULL_NAMES, FULL_PLACES) || isDownloaded('chrome', place));
}

/** @param {Place} place */
function findFfmpeg(place) {
  const own = place.env.GENLOCK_FFMPEG;
  const probe = onPath('ffprobe', place) !== undefined;
  if (!own) return probe && onPath('ffmpeg', place) !== undefined;
  const beside = join(dirname(own), basename(own).replace('ffmpeg', 'ffprobe'));
  return isNamed(own, place) && (probe || isProgram(beside));
}

function hasFont(folder) {
  return filesBelow(folder).some((path) => /\.(ttf|ttc|otf|pfb)$/i.test(path));
}

/** @param {Place} place */
function findFonts({ env, home, platform, root = '/' }) {
  // These two bring fonts with them.
  if (platform === 'darwin' || platform === 'win32') return true;
  const own = [join(home, '.local', 'share', 'fonts'), join(home, '.fonts')];
  // fontconfig knows of more places, but costs a process: it is asked last.
  return (
    [...FONT_PLACES.map((path) => join(root, path)), ...own].some(hasFont) || run('fc-list', [], { env }).stdout !== ''
  );
}

/**
 * Which of the system's tools are missing: any of 'browser', 'ffmpeg', 'fonts'.
 * @param {Place} place
 * @returns {string[]}
 */
export function missingTools(place) {
  const found = { browser: findBrowser(place), ffmpeg: findFfmpeg(place), fonts: findFonts(place) };
  return Object.keys(found).filter((name) => !found[name]);
}

/**
 * What to say about a variable that names a tool which is not there: no install mends that.
 * @param {Place} place
 */
export function brokenVariables(place) {
  const { GENLOCK_BROWSER: browser, GENLOCK_FFMPEG: ffmpeg } = place.env;
  const broken = [];
  if (browser && !findBrowser(place)) broken.push(`GENLOCK_BROWSER is ${browser}: there is no such program.`);
  if (ffmpeg && !findFfmpeg(place)) {
    broken.push(`GENLOCK_FFMPEG is ${ffmpeg}: there is no such program, or no ffprobe beside it or on the PATH.`);
  }
  return broken.map((line) => `${line} Correct the variable or unset it.`);
}
