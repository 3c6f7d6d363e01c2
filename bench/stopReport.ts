import { STOP_AIMS, type StopCase, type StopResult } from './cases.js';
import type { Measured } from './report.js';
import { median, table } from './tables.js';

export type StopFigures = Measured<StopCase, StopResult>;

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
