import type { createColors } from 'picocolors';
import { formatClock, formatRange, round } from '../format.js';
import { secondsLeft, speed, type Progress, type WorkerProgress } from '../progress.js';

type Colors = ReturnType<typeof createColors>;

const MAX_BAR = 30;
const LABEL_WIDTH = 'worker 00'.length;

/** `worker 0  ━━━━━━────  frame 42 of 0-74`, at most `width` characters wide. */
export function workerLine(worker: WorkerProgress, width: number, colors: Colors): string {
  const share = worker.frameCount === 0 ? 0 : worker.done / worker.frameCount;
  return line(`worker ${worker.worker}`, share, describeWorker(worker), width, colors);
}

function describeWorker(worker: WorkerProgress): string {
  const { state, phase, frame, startFrame, frameCount } = worker;
  const range = formatRange(worker);
  if (state === 'finished') return `finished ${range}`;
  if (state === 'retrying') return `restarting ${range}`;
  const ended = state === 'failed' || state === 'stopped';
  if (frame !== undefined) {
    const digits = String(startFrame + frameCount - 1).length;
    return `${ended ? `${state} at ` : ''}frame ${String(frame).padStart(digits)} of ${range}`;
  }
  if (ended) return `${state} before frame ${startFrame}`;
  if (phase === 'launch') return 'starting the browser';
  if (phase === 'load') return 'loading the page';
  if (phase === 'seek') return `going to frame ${startFrame}`;
  return `waiting to draw ${range}`;
}

/** `total  ━━━━━━────  56%  84/150 frames  12.3 frames/s  0:05 left`. */
export function totalLine(progress: Progress, now: number, width: number, colors: Colors): string {
  const { rendered, total, redrawn, state, phase } = progress;
  const share = rendered / total;
  const parts = [`${String(Math.floor(share * 100)).padStart(3)}%`, `${rendered}/${total} frames`];
  if (state === 'succeeded') parts.push('done');
  else if (state === 'cancelling' || state === 'failing') parts.push('stopping');
  else if (rendered >= total && (phase === 'concat' || phase === 'verify' || phase === 'commit')) {
    parts.push({ concat: 'joining', verify: 'checking', commit: 'saving' }[phase]);
  } else if (rendered < total) {
    if (redrawn > 0) parts.push(`${redrawn} drawn again`);
    const rate = speed(progress, now);
    const left = secondsLeft(progress, now);
    if (rate !== undefined) parts.push(`${round(rate, 1)} frames/s`);
    if (left !== undefined) parts.push(`${formatClock(left)} left`);
  }
  return line('total', share, parts.join('  '), width, colors);
}

function line(label: string, share: number, text: string, width: number, colors: Colors): string {
  const head = label.padEnd(LABEL_WIDTH);
  const room = Math.min(width - head.length - text.length - 4, MAX_BAR);
  // On a narrow terminal, the figures matter more than the bar.
  if (room < 5) return `${head} ${text}`.slice(0, Math.max(width, 0));
  const full = Math.round(Math.min(Math.max(share, 0), 1) * room);
  return `${head}  ${colors.green('━'.repeat(full))}${colors.dim('─'.repeat(room - full))}  ${text}`;
}
