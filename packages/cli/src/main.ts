import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { createProgram } from './program.js';
import { tolerateLostReaders } from './streams.js';

/** Runs the command line and sets the exit code. The process then ends on its own, since nothing keeps it alive. */
export async function main(args: readonly string[]): Promise<void> {
  tolerateLostReaders();
  // Only the commands that need the library load it, so that help and version print at once.
  const program = createProgram(readVersion(), {
    render: async (page, flags) => (await import('./run.js')).runRender(page, flags),
    still: async (page, flags) => (await import('./run.js')).runStill(page, flags),
    verify: async (page, flags) => (await import('./run.js')).runVerify(page, flags),
    soak: async (page, flags) => (await import('./run.js')).runSoak(page, flags),
    listCache: async (flags) => (await import('./run.js')).runListCache(flags),
    pruneCache: async (flags) => (await import('./run.js')).runPruneCache(flags),
    doctor: async (flags) => (await import('./run.js')).runDoctor(flags),
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has already printed its message.
    if (error.exitCode === 0) return;
    const { recordUsageError } = await import('./run.js');
    recordUsageError(error.message.replace(/^error: /, ''), args.includes('--json'));
  }
}

function readVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
