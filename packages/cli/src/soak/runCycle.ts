import { getEventListeners } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  BrowserCrashError,
  EncoderError,
  PageError,
  RenderOrchestrator,
  StallError,
  ToolError,
  type DistributedRenderOptions,
  type RenderEvent,
  type RenderHooks,
} from '@genlock/renderer';
import { nameAndMessageOf, runCommand } from '@genlock/renderer/internal';
import { mainProcess, rendererProcess } from '@genlock/renderer/testing';
import { atPlace } from './atPlace.js';
import type { HostRecord, HostTask } from './host.js';
import { PAGE, THROWN } from './page.js';
import type { Cycle } from './plan.js';
import type { Sandbox } from './Sandbox.js';

/** What every cycle renders. */
export interface Subject {
  url: string;
  options: Omit<DistributedRenderOptions, 'executor'> & { frameCount: number; concurrency: number };
}

export interface CycleResult extends Cycle {
  /** Time from the stop until nothing is left, in milliseconds; undefined for a render that succeeded. */
  stopMs: number | undefined;
  wallMs: number;
  /** Problems of this cycle, one sentence each: a wrong outcome, or something left behind. */
  problems: string[];
}

/** How long a looping page or a suspended browser is waited for, in milliseconds. */
const SHORT_DEADLINES = { load: 1000, seek: 1000, capture: 1000 };
/** How long processes and files of a render may exist after the death of its host, in milliseconds. */
const HOST_LIMIT_MS = 1000;
const HOST_POLL_MS = 5;

/** Runs one cycle. Rejects only if `signal` aborts, with its reason. */
export async function runCycle(
  cycle: Cycle,
  subject: Subject,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<CycleResult> {
  signal.throwIfAborted();
  sandbox.prepare();
  const start = performance.now();
  const run = cycle.action === 'host killed' ? killHost : renderHere;
  const { problems, stopMs } = await run(cycle, subject, sandbox, signal);
  signal.throwIfAborted();
  return { ...cycle, stopMs, wallMs: performance.now() - start, problems };
}

type Ending = Pick<CycleResult, 'problems' | 'stopMs'>;
type Outcome = PromiseSettledResult<unknown>;

async function renderHere(cycle: Cycle, subject: Subject, sandbox: Sandbox, signal: AbortSignal): Promise<Ending> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  const fault = new Fault(cycle, subject, controller);
  let stoppedAt: number | undefined;
  const onEvent = (event: RenderEvent) => {
    if (event.type === 'state' && (event.state === 'cancelling' || event.state === 'failing')) {
      stoppedAt ??= performance.now();
    }
    sandbox.traces.watch(event);
    fault.onEvent(event);
  };
  const [outcome] = await Promise.allSettled([
    RenderOrchestrator.render(fault.url, sandbox.output, fault.options, {
      signal: controller.signal,
      hooks: fault.hooks,
      onEvent,
    }),
  ]);
  const settledAt = performance.now();
  const problems = sandbox.leftovers();
  fault.end();
  signal.removeEventListener('abort', interrupt);
  const listeners = getEventListeners(controller.signal, 'abort').length;
  if (listeners > 0) problems.push(`${listeners} listeners were left on the signal`);
  problems.push(...fault.judge(outcome));
  if (outcome.status === 'fulfilled') {
    problems.push(...(await sandbox.judgeOutput(subject.options.frameCount, subject.options.ffmpegPath)));
  } else if (!sandbox.isUntouched()) problems.push('the file at the destination was touched');
  sandbox.clear();
  return { problems, stopMs: stoppedAt === undefined ? undefined : settledAt - stoppedAt };
}

/** Finds a process in a group. */
type Find = (group: number) => number | undefined;
/** Chrome's start script leaves helper processes in the group, which do not have Chrome's switches. */
const browserProcess: Find = (group) => mainProcess(group, '--remote-debugging-pipe');

/** Carries out a cycle's action on a render in this process, and judges the outcome. */
class Fault {
  readonly url: string;
  readonly options: Subject['options'];
  readonly hooks: RenderHooks;
  readonly #reason = new Error('aborted by the soak');
  readonly #groups = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #acted = false;
  #committing = false;

  constructor(
    readonly cycle: Cycle,
    readonly subject: Subject,
    readonly controller: AbortController,
  ) {
    const { action, frame } = cycle;
    const fromPage = action === 'page throws' || action === 'page loops';
    // Only our own page can be told when to fail.
    this.url = fromPage ? PAGE : subject.url;
    this.options = {
      ...subject.options,
      ...(action === 'page throws' ? { inputProps: { throwAt: frame } } : {}),
      ...(action === 'page loops' ? { inputProps: { loopAt: frame } } : {}),
      ...(action === 'page loops' || action === 'browser stopped' ? { deadlines: SHORT_DEADLINES } : {}),
    };
    const acts = !fromPage && action !== 'complete' && !this.#isAtLaunch();
    const own = acts ? atPlace(cycle.place, () => this.#arrive()) : undefined;
    this.hooks = {
      at: (position) => {
        if (position.phase === 'commit' && position.worker === undefined && !this.#acted) this.#committing = true;
        return own?.at(position);
      },
    };
  }

  onEvent(event: RenderEvent): void {
    if (event.type !== 'process' || event.state !== 'started') return;
    this.#groups.set(`${event.role} ${event.worker}`, event.pid);
    const { place } = this.cycle;
    if (this.#isAtLaunch() && event.role === 'browser' && event.worker === place.worker) this.#actLater();
  }

  /** Called when the render has settled, so that no action comes after it. */
  end(): void {
    clearTimeout(this.#timer);
    this.#acted = true;
  }

  /** Problems with the outcome. */
  judge(outcome: Outcome): string[] {
    const { action, place } = this.cycle;
    if (outcome.status === 'fulfilled') {
      // An abort may come too late, after the last check before the commit.
      return action === 'complete' || (action === 'abort' && this.#committing) ? [] : ['the render succeeded'];
    }
    const error: unknown = outcome.reason;
    const isRight = {
      complete: false,
      abort: error === this.#reason,
      'page throws': error instanceof PageError && error.thrown.includes(THROWN),
      'page loops': error instanceof StallError,
      'browser stopped': error instanceof StallError,
      'browser killed': error instanceof BrowserCrashError || (place.phase === 'launch' && error instanceof ToolError),
      'renderer killed': error instanceof BrowserCrashError,
      'encoder killed': error instanceof EncoderError,
      'double failure': error === this.#reason,
      'host killed': false,
    }[action];
    return isRight ? [] : [`rejected with ${nameAndMessageOf(error)}`];
  }

  /** Whether a browser is killed at launch: it exists only some time after that phase begins. */
  #isAtLaunch(): boolean {
    return this.cycle.action === 'browser killed' && this.cycle.place.phase === 'launch';
  }

  async #arrive(): Promise<void> {
    // An abort comes at any moment. Other actions happen while this worker waits here and the others continue.
    if (this.cycle.action === 'abort') {
      this.#actLater();
    } else {
      await delay(this.cycle.delayMs);
      this.#act();
    }
  }

  #actLater(): void {
    this.#timer = setTimeout(() => this.#act(), this.cycle.delayMs);
  }

  #act(): void {
    if (this.#acted) return;
    this.#acted = true;
    const { worker = 0 } = this.cycle.place;
    const other = (worker + 1) % this.subject.options.concurrency;
    const { action } = this.cycle;
    if (action === 'abort') this.controller.abort(this.#reason);
    else if (action === 'browser killed') this.#signal('browser', worker, 'SIGKILL', browserProcess);
    else if (action === 'browser stopped') this.#signal('browser', worker, 'SIGSTOP', browserProcess);
    else if (action === 'renderer killed') this.#signal('browser', worker, 'SIGKILL', rendererProcess);
    else if (action === 'encoder killed') this.#signal('encoder', worker, 'SIGKILL');
    else if (action === 'double failure') {
      this.#signal('encoder', other, 'SIGKILL');
      throw this.#reason;
    }
  }

  /** Signals the process that does the work of a role. The leader of its group may be only a wrapper. */
  #signal(role: string, worker: number, signal: NodeJS.Signals, find: Find = mainProcess): void {
    const group = this.#groups.get(`${role} ${worker}`);
    if (group === undefined) return;
    try {
      process.kill(find(group) ?? group, signal);
    } catch {
      // It has already ended. The outcome is judged all the same.
    }
  }
}

async function killHost(cycle: Cycle, subject: Subject, sandbox: Sandbox, signal: AbortSignal): Promise<Ending> {
  const record = join(sandbox.root, 'record.json');
  rmSync(record, { force: true });
  const { place, delayMs } = cycle;
  const task: HostTask = { ...subject, output: sandbox.output, place, delayMs, record };
  const host = fileURLToPath(new URL('./host.js', import.meta.url));
  const end = await runCommand(process.execPath, [host, JSON.stringify(task)], { role: 'host', signal });
  if (end.signal !== 'SIGKILL') {
    return { problems: [`the host ended by itself: ${end.stderr.trim() || `code ${end.code}`}`], stopMs: undefined };
  }
  const { killedAt, known } = JSON.parse(readFileSync(record, 'utf8')) as HostRecord;
  sandbox.traces.learn(known);
  let left = sandbox.leftovers();
  while (left.length > 0 && Date.now() - killedAt < HOST_LIMIT_MS) {
    await delay(HOST_POLL_MS);
    left = sandbox.leftovers();
  }
  const stopMs = Date.now() - killedAt;
  const problems = left.map((what) => `${HOST_LIMIT_MS} ms after the death of its host: ${what}`);
  if (!sandbox.isUntouched()) {
    problems.push(...(await sandbox.judgeOutput(subject.options.frameCount, subject.options.ffmpegPath)));
  }
  sandbox.clear();
  return { problems, stopMs };
}
