import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildMessage, SpeedCase, SpeedResult, StopCase, StopResult, Task } from './cases.js';
import { MemorySampler, type MemoryPeak } from './MemorySampler.js';

const RUN = join(import.meta.dirname, 'run.ts');

/** Renders once in a process of its own. */
export async function runSpeed(
  speed: SpeedCase,
  frames: number,
  signal: AbortSignal,
): Promise<SpeedResult & { memory: MemoryPeak }> {
  const sampler = new MemorySampler();
  const result = await runTask((folder) => ({ kind: 'speed', folder, speed, frames }), signal, sampler);
  return { ...(result as SpeedResult), memory: sampler.peak };
}

/** Starts and stops `stops` renders, all of them in one process of their own. */
export async function runStops(stop: StopCase, stops: number, signal: AbortSignal): Promise<StopResult[]> {
  return (await runTask((folder) => ({ kind: 'stop', folder, stop, stops }), signal)) as StopResult[];
}

async function runTask(
  makeTask: (folder: string) => Task,
  signal: AbortSignal,
  sampler?: MemorySampler,
): Promise<unknown> {
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), 'genlock-bench-'));
  // Node's own flags are inherited: they are how tsx makes this process understand TypeScript.
  const child = fork(RUN, [JSON.stringify(makeTask(folder))]);
  const onAbort = () => child.kill('SIGTERM');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    sampler?.start(child.pid!);
    let outcome: ChildMessage | undefined;
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'started') sampler?.add(message);
      else outcome = message;
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (outcome?.type === 'result') return outcome.result;
    throw new Error(outcome?.type === 'failed' ? outcome.message : `the child process exited with code ${code}`);
  } finally {
    sampler?.stop();
    signal.removeEventListener('abort', onAbort);
    rmSync(folder, { recursive: true, force: true });
  }
}
