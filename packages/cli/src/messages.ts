import { GenlockError, OptionsError, type RenderReport, type StopReceipt } from '@genlock/renderer';
import { attempt, formatFrameRate, isA, nameAndMessageOf, messageOf } from '@genlock/renderer/internal';
import { flagOf } from './flags.js';
import { formatBytes, formatSeconds, plural, round } from './format.js';
import { InterruptedError } from './signals.js';

export { printable } from './printable.js';

/** Names of options in camel case, which cannot be mistaken for ordinary words. */
const CAMEL_NAME = /\b[a-z]+[A-Z]\w*/g;

/** A problem reported by the library, with the flags that the user knows in place of option names. */
export function withFlagNames(problem: string, fromPage: (option: string) => boolean = () => false): string {
  const name = /^[\w.]+/.exec(problem)?.[0] ?? '';
  const flag = flagOf(name);
  const rest = problem.slice(name.length).replace(CAMEL_NAME, (option) => flagOf(option) ?? option);
  if (flag === undefined) return name + rest;
  return fromPage(name) ? `${name} (declared by the page; ${flag} overrides it)${rest}` : flag + rest;
}

/** An error as text for people, without its stack. Options are named by their flags. */
export function errorText(error: unknown): string {
  if (isA(error, OptionsError)) {
    const problems = error.problems.map((problem) => withFlagNames(problem));
    return problems.length === 1 ? problems[0]! : `the request cannot be met:\n  - ${problems.join('\n  - ')}`;
  }
  if (isA(error, GenlockError) || isA(error, InterruptedError)) return messageOf(error);
  const { code, path } = systemError(error);
  if (code === 'ENOSPC') return `the disk is full${path ? `: ${path}` : ''}`;
  return nameAndMessageOf(error).replace(/^Error: /, '');
}

/** The exit code for an error. */
export function exitCodeOf(error: unknown): number {
  return isA(error, GenlockError) || isA(error, InterruptedError) ? error.exitCode : 1;
}

/** Whether an error is an expected one. Unexpected errors are printed with their stack, which helps to fix them. */
export function isExpected(error: unknown): boolean {
  return isA(error, GenlockError) || isA(error, InterruptedError) || systemError(error).code !== undefined;
}

/** The code and path of an error that comes from the operating system. */
function systemError(error: unknown): Pick<NodeJS.ErrnoException, 'code' | 'path'> {
  const fields = attempt(() => {
    const { code, path } = error as NodeJS.ErrnoException;
    return { code, path };
  });
  return fields ?? {};
}

/** Two lines about a stop: the reason and who caused it; then what was stopped where, and how soon nothing was left. */
export function receiptLines(receipt: StopReceipt): string[] {
  const counts = new Map<string, number>();
  for (const { role, how } of receipt.processes) {
    if (how !== 'exit') counts.set(role, (counts.get(role) ?? 0) + 1);
  }
  const ended = [...counts].map(([role, count]) => plural(count, role)).join(', ');
  const left =
    receipt.leftovers.length > 0
      ? `STILL THERE: ${receipt.leftovers.join(', ')}`
      : `nothing was left after ${Math.round(receipt.ms)} ms`;
  const workers = describeWorkers(receipt);
  const processes = `ended: ${ended || 'no process was running'}`;
  return [whyStopped(receipt), [workers, processes, left].filter((part) => part !== '').join('; ')];
}

function whyStopped({ reason, message, first }: StopReceipt): string {
  if (reason === 'user') return `stopped by ${message.split('\n')[0]}`;
  if (reason === 'deadline') return 'stopped because the time for the whole render was up';
  const who = first.worker === undefined ? 'the render' : `worker ${first.worker}`;
  const did = { stall: 'stalled first', budget: 'exceeded its budget', worker: 'failed first', host: 'lost its host' };
  const frame = first.frame === undefined ? '' : `, at frame ${first.frame}`;
  return `stopped because ${who} ${did[reason]}${frame}${first.phase ? ` (${first.phase})` : ''}`;
}

/** Up to this many workers are listed one by one; more are counted by phase. */
const NAMED_WORKERS = 4;

function describeWorkers({ workers }: StopReceipt): string {
  if (workers.length <= NAMED_WORKERS) {
    const each = workers.map(({ worker, phase, frame, state }) => {
      const at = frame === undefined ? phase : `frame ${frame} (${phase})`;
      return `worker ${worker} ${state === 'finished' || state === 'failed' ? state : 'was'} at ${at}`;
    });
    return each.join(', ');
  }
  const counts = new Map<string, number>();
  for (const { phase, state } of workers) {
    const what = state === 'finished' ? state : `at ${phase}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${plural(count, 'worker')} ${what}`).join(', ');
}

/** What was made, and where. */
export function reportLines(report: RenderReport): string[] {
  const { width, height, fps, frames, durationInSeconds, bytes, wallMs, framesPerSecond, workers, chunks, retries } =
    report;
  return [
    report.outputPath,
    `  ${plural(frames, 'frame')}, ${width}x${height}, ${formatFrameRate(fps)} frames/s, ` +
      `${round(durationInSeconds, 3)} s, ${formatBytes(bytes)}`,
    `  made in ${formatSeconds(wallMs / 1000)} by ${plural(workers.length, 'worker')}: ${round(framesPerSecond, 1)} frames/s`,
    ...(chunks.reused > 0
      ? [`  ${chunks.reused} of ${plural(chunks.total, 'chunk')} were reused from an earlier render`]
      : []),
    ...retries.map(
      ({ worker, attempt, error }) =>
        `  worker ${worker} restarted its chunk (retry ${attempt}) after: ${error.message.split('\n')[0]!}`,
    ),
  ];
}
