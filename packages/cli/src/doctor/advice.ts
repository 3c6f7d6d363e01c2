import { readFileSync } from 'node:fs';

/** The kind of system, as far as it matters for installing packages. */
export type System = 'debian' | 'ubuntu' | 'macos' | 'other';

/** Detects the kind of system from its own description of itself. */
export function detectSystem(platform: NodeJS.Platform = process.platform, osRelease = readOsRelease()): System {
  if (platform === 'darwin') return 'macos';
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)/gm)].flatMap((match) => match[1]!.split(/\s+/));
  if (ids.includes('ubuntu')) return 'ubuntu';
  return ids.includes('debian') ? 'debian' : 'other';
}

/** Debian and Ubuntu packages that a render needs, or is faster with. */
type Package = 'chromium-headless-shell' | 'ffmpeg' | 'fonts-dejavu-core' | 'mesa-vulkan-drivers';

/** What these packages contain, in words that apply to other systems. */
const CONTENTS: Readonly<Record<string, string>> = {
  ffmpeg: 'ffmpeg',
  'fonts-dejavu-core': 'fonts, such as DejaVu,',
  'mesa-vulkan-drivers': "Mesa's Vulkan drivers",
};

const DOWNLOAD =
  'npx @puppeteer/browsers install chrome-headless-shell@stable, and set GENLOCK_BROWSER to the path it prints';

/** The exact command that installs a package here. */
export function installAdvice(name: Package, system = detectSystem(), isRoot = process.getuid?.() === 0): string {
  const apt = `${isRoot ? '' : 'sudo '}apt-get install -y ${name}`;
  // Ubuntu offers Chromium only as a snap.
  if (name === 'chromium-headless-shell') return system === 'debian' ? `${apt} (or: ${DOWNLOAD})` : DOWNLOAD;
  if (system === 'debian' || system === 'ubuntu') return apt;
  if (system === 'macos') return name === 'ffmpeg' ? 'brew install ffmpeg' : 'install a font with Font Book';
  return `install ${CONTENTS[name]} with the system's package manager (Debian and Ubuntu: sudo apt-get install -y ${name})`;
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
