import { OptionsError } from '@genlock/renderer';
import type { CacheFlags } from './commands/cache.js';
import type { DoctorFlags } from './commands/doctor.js';
import type { SoakFlags } from './commands/soak.js';
import type { PageFlags } from './flags.js';
import { errorRecord, jsonLine } from './json.js';
import { exitCodeOf } from './messages.js';
import { Interruption } from './signals.js';
import { writeLine } from './streams.js';
import { Terminal, type OutputFlags } from './terminal.js';

// Each function loads only its own command, so that a render does not wait for code that only the others need.

export const runRender = (page: string | undefined, flags: PageFlags): Promise<void> =>
  run(flags, async (...job) => (await import('./commands/render.js')).render(page, flags, ...job));

export const runStill = (page: string | undefined, flags: PageFlags): Promise<void> =>
  run(flags, async (...job) => (await import('./commands/still.js')).still(page, flags, ...job));

export const runVerify = (page: string | undefined, flags: PageFlags): Promise<void> =>
  run(flags, async (...job) => (await import('./commands/verify.js')).verify(page, flags, ...job));

export const runSoak = (page: string | undefined, flags: SoakFlags): Promise<void> =>
  run(flags, async (...job) => (await import('./commands/soak.js')).soak(page, flags, ...job));

export const runListCache = (flags: CacheFlags): Promise<void> =>
  run(flags, async (terminal) => (await import('./commands/cache.js')).listCache(flags, terminal));

export const runPruneCache = (flags: CacheFlags): Promise<void> =>
  run(flags, async (terminal) => (await import('./commands/cache.js')).pruneCache(flags, terminal));

export const runDoctor = (flags: DoctorFlags): Promise<void> =>
  run(flags, async (...job) => (await import('./commands/doctor.js')).doctor(flags, ...job));

/** Sets the exit code for a command line that was not understood and, with `--json`, prints its error record. */
export function recordUsageError(message: string, json: boolean): void {
  const error = new OptionsError([message]);
  process.exitCode = exitCodeOf(error);
  if (json) writeLine(process.stdout, jsonLine(errorRecord(error, error.exitCode)));
}

/** Runs a command that the process signals can interrupt, and reports its failure. */
async function run(
  flags: OutputFlags,
  command: (terminal: Terminal, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const terminal = new Terminal(flags);
  using interruption = new Interruption();
  interruption.beforeKill(() => terminal.display.end());
  try {
    await command(terminal, interruption.signal);
  } catch (error) {
    process.exitCode = terminal.failure(error);
  }
}
