/** Programs that are not ours: run to their end, timed, and with all that they start ended after it. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { environment, livingProcesses } from './proc.js';

/** By this variable every process is found that a program has started, whoever its parent is by then. */
const MARK = 'GENLOCK_BENCH_RUN';
/** The end of what a program says, in characters: enough for an error. */
const TAIL = 4000;

export interface ProgramResult {
  /** Exit code; the name of the signal that ended it; `timeout` when that was our own. */
  end: number | NodeJS.Signals | 'timeout';
  /** From the start of the process to its exit. */
  ms: number;
  /** The end of its standard output and of its standard error, mixed. */
  said: string;
}

export interface ProgramOptions {
  signal: AbortSignal;
  timeoutMs: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs a program. Rejects with the signal's reason after an abort; in every case nothing of it lives on. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { signal, timeoutMs, cwd, env = {} }: ProgramOptions,
): Promise<ProgramResult> {
  signal.throwIfAborted();
  const mark = randomUUID();
  const start = performance.now();
  // Standard input stays open and silent: Revideo's server ends when it closes.
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env, [MARK]: mark }, stdio: 'pipe' });
  let said = '';
  const listen = (chunk: string) => {
    said = (said + chunk).slice(-TAIL);
  };
  child.stdout.setEncoding('utf8').on('data', listen);
  child.stderr.setEncoding('utf8').on('data', listen);
  child.stdin.on('error', () => undefined);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    endMarked(mark);
  }, timeoutMs);
  const onAbort = () => endMarked(mark);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, name) => resolve(code ?? name!));
    });
    signal.throwIfAborted();
    return { end: timedOut ? 'timeout' : end, ms: performance.now() - start, said };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    endMarked(mark);
  }
}

function endMarked(mark: string): void {
  for (const { pid } of livingProcesses()) {
    if (environment(pid)[MARK] !== mark) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
