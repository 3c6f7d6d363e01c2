import { spawnSync } from 'node:child_process';

/** A failure that is told to the user as it is, without a stack. */
export class SetupError extends Error {}

/**
 * Runs a program to its end and keeps what it prints: setup is silent unless something fails.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {{ ok: boolean, output: string, stdout: string }}
 */
export function run(file, args, options = {}) {
  const result = spawnSync(file, args, {
    ...options,
    encoding: 'utf8',
    // Past its limit spawnSync ends the child; apt and npm can say a lot.
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = result.stdout ?? '';
  const output = [stdout, result.stderr ?? '', result.error?.message ?? ''].filter(Boolean).join('');
  return { ok: result.status === 0, output, stdout };
}

/** The last lines of a program's output: the part that says what went wrong. */
export function tail(output, lines = 20) {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}
