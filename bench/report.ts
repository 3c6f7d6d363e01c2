import { STOP_AIMS, type SpeedCase, type SpeedResult, type StopCase, type StopResult } from './cases.js';
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
  const rows = figures.map(({ case: stop, runs }) => {
    const { phase, workers, width, height } = stop;
    // A render that was done before its abort came has no figures.
    const stopped = runs.filter(({ ms }) => ms !== undefined);
    const of = (figure: (values: number[]) => number, key: 'ms' | 'processesMs') =>
      stopped.length > 0 ? figure(stopped.map((run) => run[key]!)).toFixed(0) : '-';
    const inPhase = runs.reduce((sum, run) => sum + run.inPhase, 0) / runs.length;
    return [
      phase,
      condition(stop),
      String(workers),
      `${width}x${height}`,
      of(median, 'ms'),
      of((values) => Math.max(...values), 'ms'),
      aim(workers, stopped),
      of(median, 'processesMs'),
      `${stopped.length}/${runs.length}`,
      `${(100 * inPhase).toFixed(0)}%`,
      String(runs.filter(({ faults }) => faults.length > 0).length),
    ];
  });
  const times = ['median ms', 'max ms', 'aim', 'processes ms'];
  return table(['stopped in', 'page', 'workers', 'size', ...times, 'stops', 'in phase', 'faults'], rows, 2);
}

/** What the page and its browser are doing. */
export function condition({ page, stopped }: StopCase): string {
  return stopped ? `${page}, SIGSTOP` : page;
}

/** `<50, <1000: met`: what the median and the largest time should be. */
function aim(workers: number, stopped: readonly StopResult[]): string {
  const { medianMs, maxMs } = STOP_AIMS;
  const most = medianMs[workers];
  const text = `${most === undefined ? '' : `<${most}, `}<${maxMs}`;
  if (stopped.length === 0) return text;
  const times = stopped.map(({ ms }) => ms!);
  const met = Math.max(...times) < maxMs && (most === undefined || median(times) < most);
  return `${text}: ${met ? 'met' : 'NOT met'}`;
}

/** Every fault of every stop, in words. */
export function stopFaults(figures: readonly StopFigures[]): string[] {
  return figures.flatMap(({ case: stop, runs }) =>
    runs.flatMap(({ faults }, i) =>
      faults.map((fault) => `${stop.phase}, ${condition(stop)}, ${stop.workers} workers, stop ${i + 1}: ${fault}`),
    ),
  );
}
