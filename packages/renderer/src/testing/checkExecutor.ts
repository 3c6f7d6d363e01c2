import { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { RendererOptions, RenderExecutor } from '../types.js';
import { isA, messageOf } from '../unknowns.js';
import { CHECKS, Unjudged } from './executorChecks.js';
import { TrialSeries } from './TrialSeries.js';

/** Options for checking an executor. All are optional. */
export interface ConformanceOptions {
  /** How long a chunk may take from the abort to its settled promise, in milliseconds. Default 5000. */
  stopMs?: number;
  /** How long a chunk of 20 small frames may take, in milliseconds. Default 60000. */
  renderMs?: number;
  /** How long an output folder is watched after a stop, in milliseconds. Default 500. */
  quietMs?: number;
  /** Options that every chunk is rendered with, such as `ffmpegPath`, `browserConfig` or `deadlines`. */
  options?: Partial<RendererOptions>;
  /** Called with each result as it comes. If it throws or rejects, the check ends with that error. */
  onResult?: (result: CheckResult) => unknown;
}

/** The result of one check. */
export interface CheckResult {
  /** Such as `pre-aborted`. Names do not change from version to version. */
  name: string;
  /** What a conforming executor does, as a sentence. */
  claim: string;
  /** `skipped`: something that this check depends on was missing, for which another check has failed. */
  outcome: 'passed' | 'failed' | 'skipped';
  /** What is wrong, or why the check was skipped. */
  problem?: string;
  /** How long it took, in milliseconds. */
  ms: number;
}

/** Whether an executor keeps the contract. */
export interface ExecutorConformance {
  /** True when every check has passed. */
  conforms: boolean;
  /** Each check, in the order in which they ran. */
  checks: CheckResult[];
}

/** An executor does not keep the contract. The message lists the failed checks. */
export class ExecutorConformanceError extends Error {
  constructor(
    /** The result of each check. */
    readonly conformance: ExecutorConformance,
  ) {
    const bad = conformance.checks.filter(({ outcome }) => outcome !== 'passed');
    const count = `${bad.length} of ${conformance.checks.length} checks`;
    super(`the executor does not conform (${count}):\n${bad.map(describe).join('\n')}`);
    this.name = 'ExecutorConformanceError';
  }
}

/**
 * Checks that an executor keeps the contract of `RenderExecutor`: it renders the requested frames,
 * stops on an abort and leaves nothing behind, reports its own failures, and can be used again. Runs
 * named checks one after the other, with small real renders that take some seconds in all. Pass the
 * executor, or a function that makes it. Needs ffmpeg and ffprobe on this machine, and rejects with a
 * ToolError if they are missing.
 */
export async function checkExecutor(
  executor: RenderExecutor | (() => RenderExecutor | Promise<RenderExecutor>),
  options: ConformanceOptions = {},
): Promise<ExecutorConformance> {
  const { stopMs = 5000, renderMs = 60_000, quietMs = 500, options: own = {}, onResult } = options;
  await using directory = await WorkDirectory.create();
  const subject = typeof executor === 'function' ? await executor() : executor;
  const series = new TrialSeries(subject, directory, own, { stopMs, renderMs, quietMs });
  const checks: CheckResult[] = [];
  for (const { name, claim, run } of CHECKS) {
    const start = performance.now();
    const finding = await run(series).then(() => ({ outcome: 'passed' as const }), judge);
    const result: CheckResult = { name, claim, ...finding, ms: performance.now() - start };
    checks.push(result);
    await onResult?.(result);
  }
  // A trial that has not settled in time would write into a folder that is about to be removed.
  await series.settle();
  return { conforms: checks.every(({ outcome }) => outcome === 'passed'), checks };
}

/** Like `checkExecutor`, but rejects with an ExecutorConformanceError that lists the checks that did not pass. */
export async function assertExecutorConforms(
  executor: Parameters<typeof checkExecutor>[0],
  options: ConformanceOptions = {},
): Promise<void> {
  const conformance = await checkExecutor(executor, options);
  if (!conformance.conforms) throw new ExecutorConformanceError(conformance);
}

function judge(error: unknown): Pick<CheckResult, 'outcome' | 'problem'> {
  return { outcome: isA(error, Unjudged) ? 'skipped' : 'failed', problem: messageOf(error) };
}

function describe({ name, claim, outcome, problem }: CheckResult): string {
  return `  - ${name} (${outcome}): ${claim}\n      ${problem?.replaceAll('\n', '\n      ')}`;
}
