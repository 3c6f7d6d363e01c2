import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { prepareBuild } from './build.mjs';
import { nodeComplaint } from './nodeVersion.mjs';
import { prepareDependencies } from './npm.mjs';
import { SetupError } from './run.mjs';
import { installTools, missingMessage } from './systemPackages.mjs';
import { brokenVariables, missingTools } from './tools.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function prepareTools(say) {
  const place = { env: process.env, home: homedir(), platform: process.platform };
  const broken = brokenVariables(place);
  if (broken.length > 0) throw new SetupError(broken.join('\n'));
  const missing = missingTools(place);
  if (missing.length === 0) return [];
  const { installed, inApt } = installTools(missing, place, process.getuid?.(), say);
  const left = missingTools(place);
  if (left.length > 0) throw new SetupError(missingMessage(left, place, { inApt }));
  return installed;
}

/** In this process, as starting another Node takes longer than all the rest of a run that has nothing to do. */
async function prepareExamples() {
  const script = new URL('../vendor.mjs', import.meta.url);
  if (!existsSync(script)) return false;
  const { log } = console;
  let copied = 0;
  // It says a line for each file.
  console.log = () => copied++;
  try {
    await import(script.href);
  } finally {
    console.log = log;
  }
  if (process.exitCode) throw new SetupError('scripts/vendor.mjs failed: its message is above.');
  return copied > 0;
}

/** Does what is needed and returns what it did. */
async function prepare(say) {
  const complaint = nodeComplaint(process.versions.node);
  if (complaint) throw new SetupError(complaint);
  const done = [];
  if (prepareDependencies(root, say)) done.push('installed the npm dependencies');
  const tools = prepareTools(say);
  if (tools.length > 0) done.push(`installed ${tools.join(', ')}`);
  if (prepareBuild(root, say)) done.push('built the packages');
  if (await prepareExamples()) done.push('copied the libraries of the examples');
  return done;
}

/**
 * Makes this clone ready: npm dependencies, the system's browser, ffmpeg and fonts, the build and
 * the libraries of the examples. Quick and silent when all is there. It runs before node_modules
 * exists, so it uses Node alone.
 * @returns {Promise<boolean>} false when it could not; it has said why
 */
export async function setup({ quiet = false } = {}) {
  const start = Date.now();
  const say = quiet ? () => {} : (line) => console.log(line);
  try {
    const done = await prepare(say);
    if (done.length > 0) say(`setup: ${done.join(', ')} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return false;
  }
}
