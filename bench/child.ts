import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ChildMessage,
  DrawResult,
  SpeedCase,
  SpeedPage,
  SpeedResult,
  StopCase,
  StopResult,
  Task,
} from './cases.js';
import { MemorySampler, type MemoryPeak } from './MemorySampler.js';
import type { Quality } from './quality.js';
import { OUTPUT } from './speed.js';

const RUN = join(import.meta.dirname, 'run.js');

/** One render in a process of its own, and what its parent saw of it. */
export interface SpeedRun extends SpeedResult {
  /** From the start of the process to its end. */
  processMs: number;
  /** Frames over that time. */
  framesPerSecond: number;
  memory: MemoryPeak;
  /** Of the first run of a case only. */
  quality: Quality | undefined;
}

/** Renders once in a process of its own; `look` is given the finished video before it is removed. */
export async function runSpeed(
  speed: SpeedCase,
  frames: number,
  signal: AbortSignal,
  look?: (video: string, folder: string) => Promise<Quality>,
): Promise<SpeedRun> {
  const sampler = new MemorySampler();
  let quality: Quality | undefined;
  const { result, ms } = await runTask((folder) => ({ kind: 'speed', folder, speed, frames }), signal, {
    sampler,
    after: async (folder) => {
      quality = await look?.(join(folder, OUTPUT), folder);
    },
  });
  const framesPerSecond = (1000 * frames) / ms;
  return { ...(result as SpeedResult), processMs: ms, framesPerSecond, memory: sampler.peak, quality };
}

/** Draws a page in every core at once, and captures nothing. */
export async function runDrawing(page: SpeedPage, frames: number, signal: AbortSignal): Promise<DrawResult> {
  const { result } = await runTask((folder) => ({ kind: 'draw', folder, page, frames }), signal);
  return result as DrawResult;
}

/** Starts and stops `stops` renders, all of them in one process of their own. */
export async function runStops(stop: StopCase, stops: number, signal: AbortSignal): Promise<StopResult[]> {
  const { result } = await runTask((folder) => ({ kind: 'stop', folder, stop, stops }), signal);
  return result as StopResult[];
}

async function runTask(
  makeTask: (folder: string) => Task,
  signal: AbortSignal,
  { sampler, after }: { sampler?: MemorySampler; after?: (folder: string) => Promise<void> } = {},
): Promise<{ result: unknown; ms: number }> {
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), 'genlock-bench-'));
  const start = performance.now();
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
    const ms = performance.now() - start;
    if (outcome?.type === 'result') {
      sampler?.stop();
      await after?.(folder);
      return { result: outcome.result, ms };
    }
    throw new Error(outcome?.type === 'failed' ? outcome.message : `the child process exited with code ${code}`);
  } finally {
    sampler?.stop();
    signal.removeEventListener('abort', onAbort);
    rmSync(folder, { recursive: true, force: true });
  }
}
