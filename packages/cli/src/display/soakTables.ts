import type { Place } from '../soak/plan.js';
import type { CycleResult } from '../soak/runCycle.js';
import type { ActionRow, VerdictRow } from '../soak/verdict.js';
import { table } from './table.js';

/** The actions of a soak: how many cycles and failures, and how soon nothing was left. */
export function actionTable(rows: readonly ActionRow[]): string[] {
  const ms = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(0));
  return table(
    ['action', 'cycles', 'failures', 'median ms', 'max ms'],
    rows.map(({ action, cycles, failures, medianMs, maxMs }) => [
      action,
      String(cycles),
      String(failures),
      ms(medianMs),
      ms(maxMs),
    ]),
  );
}

/** What existed before and after a soak. */
export function verdictTable(rows: readonly VerdictRow[]): string[] {
  return table(
    ['', 'before', 'after', 'verdict'],
    rows.map(({ what, before, after, leaks, note }) => [
      what,
      before,
      after,
      leaks === undefined ? `not judged (${note})` : leaks ? 'LEAK' : 'ok',
    ]),
  );
}

/** `cycle 3: abort in capture of worker 1: nothing left after 34 ms`. */
export function cycleLine(result: CycleResult): string {
  const { number, action, place, frame, stopMs, problems } = result;
  const where =
    action === 'complete' ? '' : action.startsWith('page ') ? ` at frame ${frame}` : ` in ${placeText(place)}`;
  const end = stopMs === undefined ? 'done' : `stopped in ${stopMs.toFixed(0)} ms`;
  return `cycle ${number}: ${action}${where}: ${problems.length > 0 ? `FAILED: ${problems.join('; ')}` : end}`;
}

function placeText({ phase, worker, step }: Place): string {
  if (worker === undefined) return `${phase} of the whole render`;
  return `${phase}${step > 0 ? `, step ${step}` : ''} of worker ${worker}`;
}
