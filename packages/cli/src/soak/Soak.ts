import { getEventListeners } from 'node:events';
import { collectGarbage, hasProcessTable, hostDifferences, readHost } from '@genlock/renderer/testing';
import { RenderOrchestrator } from '@genlock/renderer';
import { nameAndMessageOf } from '@genlock/renderer/internal';
import { ACTIONS, planCycles, type Action, type Cycle } from './plan.js';
import { runCycle, type CycleResult, type Subject } from './runCycle.js';
import { Sandbox } from './Sandbox.js';
import { actionRows, verdictRows, type ActionRow, type Count, type VerdictRow } from './verdict.js';

export interface SoakRequest {
  subject: Subject;
  seed: number;
  /** Ends after this many cycles. */
  cycles?: number;
  /** Ends with the first cycle that is done after this many milliseconds. Used if `cycles` is not given. */
  milliseconds?: number;
  /** Whether the rendering process is killed in some cycles. */
  killHost: boolean;
}

/** The progress of a soak after a cycle. */
export interface SoakProgress {
  result: CycleResult;
  done: number;
  actions: ActionRow[];
}

export interface SoakVerdict {
  /** True if no cycle failed and nothing is left. */
  clean: boolean;
  cycles: number;
  actions: ActionRow[];
  verdict: VerdictRow[];
  /** What Node reported outside of cycles: warnings and unhandled rejections. */
  complaints: string[];
}

/** Cycles that are not counted: they make Node load modules and open resources that it keeps. */
const WARM_UP: readonly Omit<Cycle, 'number' | 'frame'>[] = [
  { action: 'complete', place: { phase: 'capture', worker: 0, step: 0 }, delayMs: 0 },
  { action: 'abort', place: { phase: 'capture', worker: 0, step: 1 }, delayMs: 0 },
];

/** The actions that are possible on this system. */
export function possibleActions(killHost: boolean): Action[] {
  return (
    ACTIONS.filter((action) => action !== 'host killed' || killHost)
      // Finding the browser process that runs the page needs a process table.
      .filter((action) => action !== 'renderer killed' || hasProcessTable())
  );
}

/** Runs the cycles one after the other. Rejects with `signal.reason` on abort, with nothing left behind. */
export async function soak(
  request: SoakRequest,
  signal: AbortSignal,
  onCycle: (progress: SoakProgress) => void,
): Promise<SoakVerdict> {
  const { subject, seed, cycles, milliseconds } = request;
  using sandbox = new Sandbox();
  using complaints = new Complaints();
  const count = async (): Promise<Count> => ({
    processes: sandbox.traces.survivors().length,
    zombies: sandbox.traces.zombies().length,
    host: await readHost(),
    listeners: getEventListeners(signal, 'abort').length,
    files: sandbox.temporaryFiles().length,
  });
  for (const cycle of WARM_UP) await runCycle({ ...cycle, number: 0, frame: 0 }, subject, sandbox, signal);

  const actions = possibleActions(request.killHost);
  const plan = planCycles(seed, actions, RenderOrchestrator.plan(subject.url, sandbox.output, subject.options).chunks);
  const start = performance.now();
  const before = await count();
  const results: CycleResult[] = [];
  const memory: number[] = [];
  const isDone = () =>
    cycles === undefined ? performance.now() - start >= (milliseconds ?? 0) : results.length >= cycles;
  while (!isDone()) {
    const result = await runCycle(plan.next().value, subject, sandbox, signal);
    // Checked after every cycle, to know which one left something in this process.
    result.problems.push(...hostDifferences(before.host, await readHost()));
    results.push(result);
    collectGarbage();
    memory.push(process.memoryUsage().rss);
    onCycle({ result, done: results.length, actions: actionRows(actions, results) });
  }
  const verdict = verdictRows(before, await count(), memory);
  const clean =
    results.every(({ problems }) => problems.length === 0) &&
    verdict.every(({ leaks }) => leaks !== true) &&
    complaints.list.length === 0;
  return { clean, cycles: results.length, actions: actionRows(actions, results), verdict, complaints: complaints.list };
}

/** Collects Node's warnings and unhandled rejections, each of which is a bug of ours. */
class Complaints implements Disposable {
  readonly list: string[] = [];
  readonly #note = (what: unknown): void => {
    this.list.push(nameAndMessageOf(what));
  };

  constructor() {
    process.on('warning', this.#note).on('unhandledRejection', this.#note);
  }

  [Symbol.dispose](): void {
    process.off('warning', this.#note).off('unhandledRejection', this.#note);
  }
}
