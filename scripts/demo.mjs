// Makes this clone ready, renders the main example to out/demo.mp4 and says what it made.
//
// Run: node scripts/demo.mjs [more options of genlock render]

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setup } from './lib/setup.mjs';
import { stopWithParent } from './lib/stopWithParent.mjs';

const launcher = new URL('../packages/cli/bin/genlock.js', import.meta.url);
const request = ['render', 'examples/title-sequence.html', '-o', 'out/demo.mp4', '--concurrency', '2', '--overwrite'];

if (await setup()) {
  stopWithParent();
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  mkdirSync('out', { recursive: true });
  // In this process instead of a child: signals and the exit code need no forwarding.
  process.argv = [process.execPath, fileURLToPath(launcher), ...request, ...process.argv.slice(2)];
  await import(launcher.href);
}
