import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const launcher = fileURLToPath(new URL('../bin/genlock.js', import.meta.url));

export interface CliEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command line to its end. */
export function genlock(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number } = {},
): Promise<CliEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], {
      ...options,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const end: CliEnd = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (end.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (end.stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...end, code }));
  });
}

/** One process of the built command line, to run many that end soon: one after the other. */
export function startCommandLines(options: { cwd: string; env: NodeJS.ProcessEnv }) {
  const child = fork(new URL('./commandLines.mjs', import.meta.url), {
    ...options,
    env: { ...process.env, ...options.env },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the process ended with ${code}`)));
  died.catch(() => {});
  return {
    async run(args: readonly string[]): Promise<CliEnd> {
      child.send(args);
      const [end] = (await Promise.race([once(child, 'message'), died])) as [CliEnd];
      return end;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await died.catch(() => {});
    },
  };
}

/** A folder with these files, gone at the end. */
export async function makeFolder(
  files: Readonly<Record<string, string>> = {},
): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'genlock-test-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Everything in a folder, for comparing before and after. */
export async function listing(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
