import type { SpeedCase, SpeedResult, StopCase, StopResult } from './cases.js';
import type { MemoryPeak } from './MemorySampler.js';
import { median, spread, table } from './tables.js';

/** A case with the results of all its runs. */
export interface Measured<Case, Result> {
  case: Case;
  runs: Result[];
}
export type SpeedFigures = Measured<SpeedCase, SpeedResult & { memory: MemoryPeak }>;
export type StopFigures = Measured<StopCase, StopResult>;

const MEGABYTE = 2 ** 20;
const WORKER_PHASES = ['launch', 'load', 'seek', 'capture', 'drain', 'verify'] as const;
const RENDER_PHASES = ['verify', 'concat', 'commit'] as const;

/** Speed, CPU time and memory: one row for each case. */
export function speedText(figures: readonly SpeedFigures[]): string {
  const rows = figures.map(({ case: { page, workers }, runs }) => [
    page,
    String(workers),
    spread(
      runs.map((run) => run.framesPerSecond),
      2,
    ),
    spread(
      runs.map((run) => run.steadyFramesPerSecond),
      2,
    ),
    spread(
      runs.map((run) => run.cpu.total / run.frames),
      3,
    ),
    spread(runs.map(largestWorker), 0),
    spread(runs.map(largestEncoder), 0),
    spread(
      runs.map((run) => run.memory.node / MEGABYTE),
      0,
    ),
    spread(
      runs.map((run) => run.bytes / MEGABYTE),
      2,
    ),
  ]);
  const head = [
    'page',
    'workers',
    'frames/s',
    'steady frames/s',
    'CPU-s/frame',
    'MiB/worker',
    'of it encoder',
    'MiB Node',
    'file MiB',
  ];
  return table(head, rows);
}

/** The worker with the largest memory in one run. */
function largest({ memory }: { memory: MemoryPeak }): { browser: number; encoder: number } {
  // A worker that ended before the first sample has no entry.
  const sum = ({ browser, encoder }: { browser: number; encoder: number }) => browser + encoder;
  return memory.workers.filter(Boolean).sort((a, b) => sum(b) - sum(a))[0] ?? { browser: 0, encoder: 0 };
}

function largestWorker(run: { memory: MemoryPeak }): number {
  return (largest(run).browser + largest(run).encoder) / MEGABYTE;
}

function largestEncoder(run: { memory: MemoryPeak }): number {
  return largest(run).encoder / MEGABYTE;
}

/** Which processes the CPU time goes to. */
export function cpuText(figures: readonly SpeedFigures[]): string {
  const kinds = [
    ...new Set(figures.flatMap(({ runs }) => runs.flatMap((run) => Object.keys(run.cpu.chromium)))),
  ].sort();
  const rows = figures.map(({ case: { page, workers }, runs }) => {
    const perFrame = (seconds: (run: SpeedResult) => number) =>
      median(runs.map((run) => (1000 * seconds(run)) / run.frames)).toFixed(0);
    return [
      page,
      String(workers),
      perFrame((run) => run.cpu.node),
      ...kinds.map((kind) => perFrame((run) => run.cpu.chromium[kind] ?? 0)),
      perFrame((run) => run.cpu.ffmpeg),
    ];
  });
  return table(['page', 'workers', 'Node', ...kinds.map((kind) => `Chromium ${kind}`), 'ffmpeg'], rows);
}

/** How long each phase takes. */
export function phasesText(figures: readonly SpeedFigures[]): string {
  const rows = figures.map(({ case: { page, workers }, runs }) => [
    page,
    String(workers),
    ...WORKER_PHASES.map((phase) => {
      const longest = runs.map((run) => Math.max(...run.workers.map(({ phases }) => phases[phase] ?? 0)));
      return median(longest).toFixed(0);
    }),
    ...RENDER_PHASES.map((phase) => median(runs.map((run) => run.phases[phase] ?? 0)).toFixed(0)),
  ]);
  return table(['page', 'workers', ...WORKER_PHASES, 'verify all', 'concat', 'commit'], rows);
}

/** Stopping: one row for each case. */
export function stopText(figures: readonly StopFigures[]): string {
  const rows = figures.map(({ case: { phase, workers, width, height }, runs }) => {
    // A render that was done before its abort came has no figures.
    const stopped = runs.filter(({ ms }) => ms !== undefined);
    const of = (figure: (values: number[]) => number, key: 'ms' | 'processesMs') =>
      stopped.length > 0 ? figure(stopped.map((run) => run[key]!)).toFixed(0) : '-';
    const inPhase = runs.reduce((sum, run) => sum + run.inPhase, 0) / runs.length;
    return [
      phase,
      String(workers),
      `${width}x${height}`,
      of(median, 'ms'),
      of((values) => Math.max(...values), 'ms'),
      of(median, 'processesMs'),
      `${stopped.length}/${runs.length}`,
      `${(100 * inPhase).toFixed(0)}%`,
      String(runs.filter(({ faults }) => faults.length > 0).length),
    ];
  });
  const head = ['stopped in', 'workers', 'size', 'median ms', 'max ms', 'processes ms', 'stops', 'in phase', 'faults'];
  return table(head, rows);
}

/** Every fault of every stop, in words. */
export function stopFaults(figures: readonly StopFigures[]): string[] {
  return figures.flatMap(({ case: { phase, workers }, runs }) =>
    runs.flatMap(({ faults }, i) => faults.map((fault) => `${phase}, ${workers} workers, stop ${i + 1}: ${fault}`)),
  );
}
