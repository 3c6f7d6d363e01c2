import { closeSync, openSync, readFileSync, readSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { ToolError } from '../errors.js';
import { isExecutable, onPath } from '../executables.js';
import { howItEnded } from '../lifecycle/howItEnded.js';
import { runCommand } from '../lifecycle/runCommand.js';

/** A browser on this machine. */
export interface FoundBrowser {
  /** The real binary, never a wrapper script: a script would survive as the parent of the process that we kill. */
  path: string;
  /** True for chromium-headless-shell (chrome-headless-shell), the small browser for this purpose. */
  headlessShell: boolean;
  /** Whether frames can be issued one by one. Only the headless shell can do that, and not on macOS. */
  beginFrameControl: boolean;
}

const SHELL_NAMES = ['chromium-headless-shell', 'chrome-headless-shell', 'headless_shell', 'headless-shell'];
const FULL_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** The paths of the real binaries on Debian, Fedora, Arch, Alpine and macOS. */
const KNOWN_PATHS = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/lib64/chromium-browser/headless_shell',
  '/usr/lib/chromium/headless_shell',
];
const KNOWN_FULL_PATHS = [
  '/usr/lib/chromium/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** What to do if there is no browser. */
export const BROWSER_HELP =
  'On Debian or Ubuntu: sudo apt-get install -y chromium-headless-shell. Elsewhere: ' +
  'npx @puppeteer/browsers install chrome-headless-shell@stable, and set GENLOCK_BROWSER to the path that it prints.';

/**
 * Finds the browser: `executablePath`, else `GENLOCK_BROWSER`, else a headless shell on this system,
 * else a full Chromium or Chrome. Throws a ToolError that says what to do if there is none.
 */
export function locateBrowser(executablePath?: string): FoundBrowser {
  const named = executablePath ?? process.env['GENLOCK_BROWSER'];
  if (named) {
    const path = realBinary(named) ?? realBinary(onPath(named));
    if (path) return describe(path);
    const source = executablePath ? '' : ' (from GENLOCK_BROWSER)';
    throw new ToolError(`no browser at ${named}${source}: there is no such executable. ${BROWSER_HELP}`);
  }
  const candidates = [
    ...KNOWN_PATHS,
    ...SHELL_NAMES.map(onPath),
    ...downloaded(),
    ...KNOWN_FULL_PATHS,
    ...FULL_NAMES.map(onPath),
  ];
  for (const candidate of candidates) {
    const path = realBinary(candidate);
    if (path) return describe(path);
  }
  throw new ToolError(`no browser found. ${BROWSER_HELP}`);
}

/** Like `locateBrowser`, and asks the browser for its version. */
export async function findBrowser(
  options: { executablePath?: string | undefined; signal?: AbortSignal } = {},
): Promise<FoundBrowser & { version: string }> {
  const browser = locateBrowser(options.executablePath);
  const { stdout, ...end } = await runCommand(browser.path, ['--version', '--no-sandbox'], {
    role: 'browser',
    deadlineMs: 20_000,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  if (end.code !== 0) {
    throw new ToolError(`the browser at ${browser.path} does not start: it ${howItEnded(end)}: ${end.stderr.trim()}`);
  }
  return { ...browser, version: stdout.trim() };
}

function describe(path: string): FoundBrowser {
  const headlessShell = /headless[-_]shell/.test(basename(path));
  return { path, headlessShell, beginFrameControl: headlessShell && process.platform !== 'darwin' };
}

/** The browsers that `@puppeteer/browsers` has downloaded, newest first. */
function downloaded(): string[] {
  const found: string[] = [];
  for (const kind of ['chrome-headless-shell', 'chrome']) {
    const base = join(homedir(), '.cache', 'puppeteer', kind);
    for (const version of list(base).sort().reverse()) {
      for (const inner of list(join(base, version))) found.push(join(base, version, inner, kind));
    }
  }
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Follows links and wrapper scripts to the binary; undefined if there is none. */
function realBinary(path: string | undefined): string | undefined {
  if (!path || !isExecutable(path)) return undefined;
  const real = realpathSync(path);
  if (!isScript(real)) return real;
  // Debian's wrapper only calls a binary with a similar name: /usr/lib/chromium/chromium-headless-shell "$@"
  const mentioned =
    readFileSync(real, 'utf8').match(/\/[\w./-]*(?:headless[-_]shell|chrom(?:e|ium))(?![\w./-])/g) ?? [];
  const binaries = mentioned.filter((name) => name !== real && isExecutable(name) && !isScript(realpathSync(name)));
  return binaries[0] ?? real;
}

function isScript(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      const start = Buffer.alloc(2);
      readSync(file, start, 0, 2, 0);
      return start.toString('latin1') === '#!';
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
