import { OptionsError } from '@genlock/renderer';
import { listCache, pruneCache, type CacheFlags } from './commands/cache.js';
import { doctor, type DoctorFlags } from './commands/doctor.js';
import { render } from './commands/render.js';
import { soak, type SoakFlags } from './commands/soak.js';
import { still } from './commands/still.js';
import { verify } from './commands/verify.js';
import type { RenderFlags, StillFlags, VerifyFlags } from './flags.js';
import { errorRecord, jsonLine } from './json.js';
import { exitCodeOf } from './messages.js';
import { Interruption } from './signals.js';
import { writeLine } from './streams.js';
import { Terminal, type OutputFlags } from './terminal.js';

export const runRender = (page: string | undefined, flags: RenderFlags): Promise<void> =>
  run(flags, (terminal, signal) => render(page, flags, terminal, signal));

export const runStill = (page: string | undefined, flags: StillFlags): Promise<void> =>
  run(flags, (terminal, signal) => still(page, flags, terminal, signal));

export const runVerify = (page: string | undefined, flags: VerifyFlags): Promise<void> =>
  run(flags, (terminal, signal) => verify(page, flags, terminal, signal));

export const runSoak = (page: string | undefined, flags: SoakFlags): Promise<void> =>
  run(flags, (terminal, signal) => soak(page, flags, terminal, signal));

export const runListCache = (flags: CacheFlags): Promise<void> => run(flags, (terminal) => listCache(flags, terminal));

export const runPruneCache = (flags: CacheFlags): Promise<void> =>
  run(flags, (terminal) => pruneCache(flags, terminal));

export const runDoctor = (flags: DoctorFlags): Promise<void> =>
  run(flags, (terminal, signal) => doctor(flags, terminal, signal));

/** A command line that was not understood: its exit code and, for programs, its record. */
export function recordUsageError(message: string, json: boolean): void {
  const error = new OptionsError([message]);
  process.exitCode = exitCodeOf(error);
  if (json) writeLine(process.stdout, jsonLine(errorRecord(error, error.exitCode)));
}

/** Runs a command under the process signals, and tells its failure. */
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
