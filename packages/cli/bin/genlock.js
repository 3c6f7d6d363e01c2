#!/usr/bin/env node
// Committed, so that the first install can link it: the program itself is built into ../dist.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/main.js', import.meta.url);

if (existsSync(fileURLToPath(program))) {
  const { main } = await import(program.href);
  await main(process.argv.slice(2));
} else {
  console.error('genlock is not built yet. In the folder of the repository, run:\n\n  npm run setup\n');
  process.exitCode = 1;
}
