// Makes a fresh clone ready, and does nothing when it is. See lib/setup.mjs.
//
// Run: node scripts/setup.mjs [--quiet]

import { setup } from './lib/setup.mjs';

await setup({ quiet: process.argv.includes('--quiet') });
