import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RenderOrchestrator, type RenderEvent } from '@genlock/renderer';
import { FPS, MODES, pageUrl, SPEED_PAGES, SPEED_SIZE, type SpeedResult, type Task } from './cases.js';
import { CpuMeter } from './CpuMeter.js';

/** Frames of each worker that belong to its warming up, not to the steady state. */
const WARM_UP_FRAMES = 5;

/** The video's name in the task's folder. */
export const OUTPUT = 'out.mp4';

/** Renders once and says what it took. */
export async function measureSpeed(
  task: Extract<Task, { kind: 'speed' }>,
  onEvent: (event: RenderEvent) => void,
  signal: AbortSignal,
): Promise<SpeedResult> {
  const { mode, workers } = task.speed;
  const { page, scale } = SPEED_PAGES[task.speed.page];
  const output = join(task.folder, OUTPUT);
  const frames = { fps: FPS, frameCount: task.frames, concurrency: workers };
  // In a namespace of its own a browser may hand its children's CPU time on to us, and may not.
  const options = { ...SPEED_SIZE, scale, ...frames, ...MODES[mode], hardening: false };
  const frameTimes: number[][] = Array.from({ length: workers }, () => []);
  const cpu = new CpuMeter();
  const start = performance.now();
  const report = await RenderOrchestrator.render(pageUrl(page), output, options, {
    signal,
    onEvent: (event) => {
      cpu.watch(event);
      if (event.type === 'frame') frameTimes[event.worker]!.push(performance.now());
      onEvent(event);
    },
  });
  const wallMs = performance.now() - start;
  return {
    frames: task.frames,
    wallMs,
    steadyFramesPerSecond: steadyRate(frameTimes),
    cpu: cpu.read(),
    bytes: (await stat(output)).size,
    workers: report.workers,
    phases: report.phases,
  };
}

/**
 * Frames per second of all workers together, from the moment when the last of them has delivered its
 * fifth frame to the moment when the first of them has delivered its last: while all of them draw.
 */
export function steadyRate(frameTimes: readonly number[][]): number | undefined {
  const from = Math.max(...frameTimes.map((times) => times[WARM_UP_FRAMES - 1] ?? Infinity));
  const to = Math.min(...frameTimes.map((times) => times.at(-1) ?? -Infinity));
  const frames = frameTimes.flat().filter((time) => time > from && time <= to).length;
  return to > from ? (frames * 1000) / (to - from) : undefined;
}
