import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BENCH } from '../paths.js';
import { runProgram } from '../program.js';
import type { Peer } from './peers.js';

const MINUTE = 60_000;
/** None of them may fetch a browser: all of them are given the one that Genlock uses. */
const ENVIRONMENT = { PUPPETEER_SKIP_DOWNLOAD: '1', PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' };

/** A tool that is ready to run: the Node that runs it, and the folder of its packages and its runner. */
export interface InstalledPeer {
  peer: Peer;
  node: string;
  folder: string;
}

/** Installs a tool into its folder of the cache, unless it is there; throws with what npm says. */
export async function installPeer(peer: Peer, cache: string, signal: AbortSignal): Promise<InstalledPeer> {
  const folder = join(cache, peer.name);
  const ownMajor = Number(process.versions.node.split('.')[0]);
  const nodePackage = peer.node && peer.node.major > ownMajor ? peer.node.package : undefined;
  const packages = [...peer.packages, ...(nodePackage === undefined ? [] : [nodePackage])];
  const done = join(folder, 'installed.json');
  const wanted = JSON.stringify(packages);
  if ((await readFile(done, 'utf8').catch(() => undefined)) !== wanted) {
    await mkdir(folder, { recursive: true });
    // A package.json of its own: without one npm would take the next one above.
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { end, said } = await runProgram('npm', ['install', ...flags, ...packages], {
      signal,
      timeoutMs: 10 * MINUTE,
      cwd: folder,
      env: ENVIRONMENT,
    });
    if (end !== 0) throw new Error(`npm install ended with ${end}: ${said.trim()}`);
    await writeFile(done, wanted);
  }
  // Beside the packages, so that its imports find them.
  await cp(join(BENCH, 'peers', 'runners'), folder, { recursive: true });
  const nodeFolder = nodePackage?.replace(/@[^@]*$/, '');
  const node = nodeFolder ? join(folder, 'node_modules', nodeFolder, 'bin', 'node') : process.execPath;
  return { peer, node, folder };
}
