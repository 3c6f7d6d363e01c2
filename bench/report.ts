import type { SpeedCase } from './cases.js';
import type { SpeedRun } from './child.js';
import type { Floor } from './floor.js';
import { GROWTH, growthOf, type GrowthFigures } from './growth.js';
import { ratios, type Entry } from './peers/entries.js';
import { median, spread, table } from './tables.js';

/** A case with the results of all its runs. */
export interface Measured<Case, Result> {
  case: Case;
  runs: Result[];
}
export type SpeedFigures = Measured<SpeedCase, SpeedRun>;

const MEGABYTE = 2 ** 20;
const WORKER_PHASES = ['launch', 'load', 'seek', 'capture', 'drain', 'verify'] as const;
const RENDER_PHASES = ['verify', 'concat', 'commit'] as const;

const HEAD = ['page', 'mode', 'workers'];
const name = ({ page, mode, workers }: SpeedCase) => [page, mode, String(workers)];

/** Speed beside what bounds it, CPU time, quality and memory: one row for each case. */
export function speedText(figures: readonly SpeedFigures[], floors: readonly Floor[]): string {
  const rows = figures.map(({ case: speed, runs }) => {
    const of = (figure: (run: SpeedRun) => number | undefined, digits: number) => spread(runs.map(figure), digits);
    const floor = floors.find(({ page }) => page === speed.page);
    const quality = runs.find((run) => run.quality)?.quality;
    return [
      ...name(speed),
      of((run) => run.framesPerSecond, 2),
      floor ? (median(runs.map((run) => run.framesPerSecond)) / floor.framesPerSecond).toFixed(2) : '-',
      of((run) => run.steadyFramesPerSecond, 2),
      of((run) => run.cpu.total / run.frames, 3),
      quality ? quality.ssim.toFixed(4) : '-',
      quality ? quality.psnr.toFixed(1) : '-',
      of((run) => run.bytes / MEGABYTE, 2),
      of(largestWorker, 0),
      of(largestEncoder, 0),
      of((run) => run.memory.node / MEGABYTE, 0),
    ];
  });
  const quality = ['SSIM', 'PSNR dB', 'file MiB'];
  const memory = ['MiB/worker', 'of it encoder', 'MiB Node'];
  const speed = ['frames/s', 'of the floor', 'steady frames/s', 'CPU-s/frame'];
  return table([...HEAD, ...speed, ...quality, ...memory], rows, 2);
}

/** The floor: one row for each page. */
export function floorText(floors: readonly Floor[]): string {
  const rows = floors.map(({ page, drawing, encoding, framesPerSecond }) => [
    page,
    drawing.toFixed(3),
    encoding.toFixed(3),
    framesPerSecond.toFixed(1),
  ]);
  return table(['page', 'drawing CPU-s/frame', 'x264 CPU-s/frame', 'floor frames/s'], rows);
}

/** What becomes of time and memory when a render is ten times as long. */
export function growthText(figures: readonly GrowthFigures[]): string {
  const rows = figures.map((growth) => {
    const { time, captureTime, memory } = growthOf(growth);
    return [
      ...name(growth.case),
      `${growth.frames}, ${GROWTH * growth.frames}`,
      time.toFixed(2),
      captureTime.toFixed(2),
      memory?.toFixed(2) ?? '-',
    ];
  });
  return table([...HEAD, 'frames', 'time', 'time without start and end', 'memory, end to start'], rows, 2);
}

/** Genlock and other tools: one row for each tool and page. */
export function peersText(entries: readonly Entry[]): string {
  const rows = entries.map(({ page, tool, best, runs, quality, bytes, faults, frames }) => [
    page,
    tool,
    best === undefined ? '-' : String(best),
    best === undefined
      ? '-'
      : spread(
          runs[best]!.map((ms) => (1000 * frames) / ms),
          2,
        ),
    quality ? quality.ssim.toFixed(4) : '-',
    quality ? quality.psnr.toFixed(1) : '-',
    bytes === undefined ? '-' : (bytes / MEGABYTE).toFixed(2),
    faults.join('; '),
  ]);
  const head = ['page', 'tool', 'workers', 'frames/s', 'SSIM', 'PSNR dB', 'file MiB', 'faults'];
  const lines = ratios(entries).map(({ page, genlock, peer, ratio }) =>
    ratio === undefined
      ? `${page}, ${genlock}: no figure to compare with`
      : `${page}, ${genlock}: ${ratio.toFixed(2)} x ${peer}`,
  );
  return `${table(head, rows, 2)}\n\nGenlock beside the fastest other tool\n  ${lines.join('\n  ')}`;
}

/** The worker with the largest memory in one run. */
function largest({ memory }: SpeedRun): { browser: number; encoder: number } {
  // A worker that ended before the first sample has no entry.
  const sum = ({ browser, encoder }: { browser: number; encoder: number }) => browser + encoder;
  return memory.workers.filter(Boolean).sort((a, b) => sum(b) - sum(a))[0] ?? { browser: 0, encoder: 0 };
}

function largestWorker(run: SpeedRun): number {
  return (largest(run).browser + largest(run).encoder) / MEGABYTE;
}

function largestEncoder(run: SpeedRun): number {
  return largest(run).encoder / MEGABYTE;
}

/** Which processes the CPU time goes to. */
export function cpuText(figures: readonly SpeedFigures[]): string {
  const kinds = [
    ...new Set(figures.flatMap(({ runs }) => runs.flatMap((run) => Object.keys(run.cpu.chromium)))),
  ].sort();
  const rows = figures.map(({ case: speed, runs }) => {
    const perFrame = (seconds: (run: SpeedRun) => number) =>
      median(runs.map((run) => (1000 * seconds(run)) / run.frames)).toFixed(0);
    return [
      ...name(speed),
      perFrame((run) => run.cpu.node),
      ...kinds.map((kind) => perFrame((run) => run.cpu.chromium[kind] ?? 0)),
      perFrame((run) => run.cpu.ffmpeg),
    ];
  });
  return table([...HEAD, 'Node', ...kinds.map((kind) => `Chromium ${kind}`), 'ffmpeg'], rows, 2);
}

/** How long each phase takes. */
export function phasesText(figures: readonly SpeedFigures[]): string {
  const rows = figures.map(({ case: speed, runs }) => [
    ...name(speed),
    ...WORKER_PHASES.map((phase) => {
      const longest = runs.map((run) => Math.max(...run.workers.map(({ phases }) => phases[phase] ?? 0)));
      return median(longest).toFixed(0);
    }),
    ...RENDER_PHASES.map((phase) => median(runs.map((run) => run.phases[phase] ?? 0)).toFixed(0)),
  ]);
  return table([...HEAD, ...WORKER_PHASES, 'verify all', 'concat', 'commit'], rows, 2);
}
