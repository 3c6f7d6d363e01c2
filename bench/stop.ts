import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  Renderer,
  RenderOrchestrator,
  type RenderEvent,
  type RenderExecutor,
  type RenderHooks,
} from '@genlock/renderer';
import { pageUrl, type StopCase, type StopResult, type Task } from './cases.js';
import { commandLine, descendants, livingProcesses, type ProcessStat } from './proc.js';

/** Frames that every worker delivers before it counts as capturing. */
const CAPTURING_FRAMES = 2;
/** How long a page has been in its loop, or a browser stopped, when the abort comes: it must be so indeed. */
const SETTLING_MS = 30;
/** Where the page `loop` loops: while its scripts run, or at this frame. */
const LOOP_AT = { load: 'load', seek: 5, capture: CAPTURING_FRAMES + 3 } as const;

/** Renders a chunk as the library's own executor does, but from frame 0 and for an hour. */
const endless: RenderExecutor = {
  render: (url, outputPath, options, job) =>
    new Renderer({ ...options, startFrame: 0, frameCount: 30 * 3600 }).render(url, outputPath, job),
};

/** Starts a render and stops it in the wanted phase, `stops` times in this process. */
export async function measureStops(
  task: Extract<Task, { kind: 'stop' }>,
  onEvent: (event: RenderEvent) => void,
  signal: AbortSignal,
): Promise<StopResult[]> {
  const results: StopResult[] = [];
  for (let i = 0; i < task.stops; i++) {
    signal.throwIfAborted();
    const delayMs = (task.stop.spreadMs * i) / Math.max(1, task.stops - 1);
    const output = join(task.folder, `out-${i}`, 'out.mp4');
    await mkdir(dirname(output));
    results.push(await stopOnce(task.stop, output, delayMs, onEvent, signal));
  }
  return results;
}

async function stopOnce(
  stop: StopCase,
  output: string,
  delayMs: number,
  onEvent: (event: RenderEvent) => void,
  outer: AbortSignal,
): Promise<StopResult> {
  const before = new Set(descendants(livingProcesses(), process.pid).map(({ pid }) => pid));
  const watch = new PhaseWatch(stop);
  const controller = new AbortController();
  const reason = new Error('stopped by the bench');
  let abortedAt: number | undefined;
  let settledAt: number | undefined;
  let children: ProcessStat[] = [];
  let timer: NodeJS.Timeout | undefined;
  const atAbort = { workers: watch.positions(), inPhase: 0 };

  const abort = async () => {
    if (stop.stopped) {
      for (const group of watch.browsers) process.kill(-group, 'SIGSTOP');
    }
    if (stop.stopped || stop.page === 'loop') await delay(SETTLING_MS);
    // All that the render has started, by parentage: a second witness beside the library's own events.
    children = descendants(livingProcesses(), process.pid).filter(({ pid }) => !before.has(pid));
    atAbort.workers = watch.positions();
    atAbort.inPhase = watch.inPhase();
    abortedAt = performance.now();
    controller.abort(reason);
  };
  const onOuterAbort = () => controller.abort(outer.reason);
  outer.addEventListener('abort', onOuterAbort, { once: true });

  const faults: string[] = [];
  try {
    const { workers: concurrency, width, height, startFrame, frames: frameCount } = stop;
    const executor = stop.endless ? { executor: endless } : {};
    const inputProps = stop.page === 'loop' ? { loopAt: LOOP_AT[stop.phase as keyof typeof LOOP_AT] } : {};
    const options = { width, height, fps: 30, startFrame, frameCount, concurrency, inputProps, ...executor };
    const look = () => {
      if (timer === undefined && watch.ready()) timer = setTimeout(() => void abort(), delayMs);
    };
    await RenderOrchestrator.render(pageUrl(stop.page), output, options, {
      signal: controller.signal,
      hooks: watch.holding(look),
      onEvent: (event) => {
        watch.see(event);
        onEvent(event);
        look();
      },
    });
  } catch (error) {
    if (abortedAt === undefined || outer.aborted) throw error;
    settledAt = performance.now();
    if (error !== reason) faults.push(`rejected with another error than the reason: ${inspect(error)}`);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onOuterAbort);
  }
  faults.push(...leftProcesses(watch.groups, children));
  if (abortedAt === undefined || settledAt === undefined) {
    return { ms: undefined, receiptMs: undefined, processesMs: undefined, ...atAbort, inPhase: 0, faults };
  }
  faults.push(...leftFiles(tmpdir()), ...leftFiles(dirname(output)));
  return {
    ms: settledAt - abortedAt,
    receiptMs: watch.receiptMs,
    processesMs: Math.max(0, watch.lastEndAt - abortedAt),
    ...atAbort,
    faults,
  };
}

/** Follows the events of one render to the moment when it is to be stopped. */
class PhaseWatch {
  /** Every process that the render has told of leads a group of this number. */
  readonly groups = new Set<number>();
  readonly browsers = new Set<number>();
  receiptMs: number | undefined;
  /** When the last process was told to have ended. */
  lastEndAt = 0;
  readonly #workers: { phase: string; seen: Set<string>; frames: number; frame: number | undefined }[];
  readonly #started: string[] = [];
  #phase = '';
  /** Workers whose page has told that it is about to loop. */
  readonly #looping = new Set<number>();
  /** Steps at which the render is held. */
  #held = 0;

  constructor(readonly stop: StopCase) {
    this.#workers = Array.from({ length: stop.workers }, () => ({
      phase: 'queued',
      seen: new Set(),
      frames: 0,
      frame: undefined,
    }));
  }

  see(event: RenderEvent): void {
    const worker = 'worker' in event && event.worker !== undefined ? this.#workers[event.worker] : undefined;
    if (event.type === 'phase' && worker) {
      worker.phase = event.phase;
      worker.seen.add(event.phase);
    } else if (event.type === 'phase') {
      this.#phase = event.phase;
    } else if (event.type === 'frame' && worker) {
      worker.frames += 1;
      worker.frame = event.frame;
    } else if (event.type === 'process' && event.state === 'started') {
      this.groups.add(event.pid);
      if (event.role === 'browser') this.browsers.add(event.pid);
      this.#started.push(event.role);
    } else if (event.type === 'process') {
      this.lastEndAt = performance.now();
    } else if (event.type === 'page-console' && event.text === 'looping') {
      this.#looping.add(event.worker);
    } else if (event.type === 'stopped') {
      this.receiptMs = event.receipt.ms;
    }
  }

  /** Holds the render in a phase that is over too soon to be met: every worker, or the commit of the whole. */
  holding(onHeld: () => void): RenderHooks {
    const { phase } = this.stop;
    return {
      at: (position) => {
        if (position.phase !== phase || (phase !== 'encode' && phase !== 'commit')) return undefined;
        if (phase === 'commit' && position.worker !== undefined) return undefined;
        if (phase === 'encode' && this.#workers[position.worker!]!.frames < CAPTURING_FRAMES) return undefined;
        if (phase === 'encode') this.#workers[position.worker!]!.phase = phase;
        this.#held += 1;
        onHeld();
        return new Promise(() => {});
      },
    };
  }

  /** True once every worker has come to the wanted phase. */
  ready(): boolean {
    const { phase, workers, page } = this.stop;
    if (phase === 'commit') return this.#held === 1;
    if (phase === 'encode') return this.#held === workers;
    if (page === 'loop') return this.#looping.size === workers;
    // Of `launch` and `concat` the events come before there is a process to stop.
    if (phase === 'launch') return this.#started.filter((role) => role === 'browser').length === workers;
    if (phase === 'concat') return this.#started.includes('concat');
    if (phase === 'capture') return this.#workers.every(({ frames }) => frames >= CAPTURING_FRAMES);
    return this.#workers.every(({ seen }) => seen.has(phase));
  }

  inPhase(): number {
    const { phase, workers } = this.stop;
    if (phase === 'concat' || phase === 'commit') return this.#phase === phase ? 1 : 0;
    return this.#workers.filter((worker) => worker.phase === phase).length / workers;
  }

  positions(): StopResult['workers'] {
    return this.#workers.map(({ phase, frame }, worker) => ({ worker, phase, frame }));
  }
}

/** Processes of a stopped render that live on: by the groups that it told of, or known from before the abort. */
function leftProcesses(groups: ReadonlySet<number>, children: readonly ProcessStat[]): string[] {
  const known = new Map(children.map(({ pid, startTime }) => [pid, startTime]));
  return livingProcesses()
    .filter(
      ({ pid, group, session, startTime }) =>
        groups.has(pid) || groups.has(group) || groups.has(session) || known.get(pid) === startTime,
    )
    .map(({ pid }) => `process ${pid} lives on: ${commandLine(pid).slice(0, 100)}`);
}

function leftFiles(folder: string): string[] {
  return readdirSync(folder).map((name) => `file left: ${join(folder, name)}`);
}
