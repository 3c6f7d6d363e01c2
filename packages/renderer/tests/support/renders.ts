import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { PNG } from 'pngjs';
import {
  RenderOrchestrator,
  SeamError,
  type DistributedRenderOptions,
  type RenderEvent,
  type RenderJobOptions,
  type RenderReport,
  type StopReceipt,
} from '../../src/index.js';
import { livingMembersNow } from '../../src/lifecycle/processGroup.js';
import { isA } from '../../src/unknowns.js';
import type { Sandbox } from './Sandbox.js';
import { WITHOUT_HARDENING } from './extent.js';

/** Two workers with ten frames each: worker 0 has the frames 0 to 9, worker 1 the frames 10 to 19. */
export const TWO_WORKERS = {
  width: 160,
  height: 90,
  fps: 30,
  frameCount: 20,
  concurrency: 2,
  ...(WITHOUT_HARDENING ? { hardening: false } : {}),
} as const;

export interface Failure {
  error: unknown;
  events: RenderEvent[];
  receipt: StopReceipt;
  /** What a SeamError shows. */
  pictures: PNG[];
}

/** The events of one type, in order. */
export function eventsOf<Type extends RenderEvent['type']>(events: readonly RenderEvent[], type: Type) {
  return events.filter((event): event is Extract<RenderEvent, { type: Type }> => event.type === type);
}

/** The frames that were told as drawn, by worker. */
export function framesOf(events: readonly RenderEvent[], worker: number): number[] {
  return eventsOf(events, 'frame')
    .filter((event) => event.worker === worker)
    .map(({ frame }) => frame);
}

/** Whether a render has run in this process: the first one loads what stays loaded. */
let warm = false;

function recorded(sandbox: Sandbox, job: RenderJobOptions) {
  const events: RenderEvent[] = [];
  const signals = [job.signal, sandbox.signal].filter((signal) => signal !== undefined);
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  const onEvent = (event: RenderEvent) => {
    events.push(event);
    sandbox.watch(event);
    return job.onEvent?.(event);
  };
  return { events, job: { ...job, onEvent, ...(signal ? { signal } : {}) } };
}

/** Runs a render that must succeed. */
export async function succeed(
  sandbox: Sandbox,
  url: string,
  options: Partial<DistributedRenderOptions> = {},
  jobOptions: RenderJobOptions = {},
  name = 'out.mp4',
): Promise<{ report: RenderReport; events: RenderEvent[]; path: string }> {
  const { events, job } = recorded(sandbox, jobOptions);
  const path = sandbox.destination(name);
  const before = sandbox.files();
  if (warm) sandbox.rememberHeld();
  const report = await RenderOrchestrator.render(url, path, { ...TWO_WORKERS, ...options }, job);
  sandbox.assertNoProcesses();
  const asked = [name, basename(options.frameHashes ?? name)];
  assert.deepEqual(
    sandbox.files().filter((file) => !before.includes(file) && !asked.includes(file)),
    [],
    'files were left',
  );
  warm = true;
  await sandbox.assertNoLeaks();
  return { report, events, path };
}

/**
 * Runs a render that must fail, and asserts what is true of every failure: nothing is left, it was
 * told in the right order, and no worker drew anything after it.
 */
export async function fail(
  sandbox: Sandbox,
  url: string,
  options: Partial<DistributedRenderOptions> = {},
  jobOptions: RenderJobOptions = {},
): Promise<Failure> {
  const { events, job } = recorded(sandbox, jobOptions);
  const destination = sandbox.destination('out.mp4');
  if (warm) sandbox.rememberHeld();
  const [outcome] = await Promise.allSettled([
    RenderOrchestrator.render(url, destination, { ...TWO_WORKERS, ...options }, job),
  ]);
  assert.equal(outcome.status, 'rejected', 'the render succeeded');
  const error: unknown = outcome.reason;
  const pictures = isA(error, SeamError) ? error.pictures : [];
  const drawn = pictures.map((path) => PNG.sync.read(readFileSync(path)));
  sandbox.assertNothingLeft(destination, job.signal, pictures);
  warm = true;
  await sandbox.assertNoLeaks();

  const [stopped, ...more] = eventsOf(events, 'stopped');
  assert.ok(stopped && more.length === 0, 'it was told once that all is stopped');
  assert.equal(stopped.error, error, 'the event carries the very error');
  assert.ok(!stopped.suppressed.includes(error), 'the cause is not among the suppressed');
  const { receipt } = stopped;
  assert.deepEqual(receipt.leftovers, []);

  const states = eventsOf(events, 'state').map(({ state }) => state);
  const ending = receipt.reason === 'user' ? ['cancelling', 'cancelled'] : ['failing', 'failed'];
  assert.deepEqual(states.slice(-2), ending);
  const stop = events.findIndex((event) => event.type === 'state' && event.state === ending[0]);
  const after = events.slice(stop);
  assert.deepEqual(eventsOf(after, 'frame'), [], 'no frame is drawn after the failure');
  assert.deepEqual(
    // But for those that save the finished part, where that is asked for.
    eventsOf(after, 'process').filter(
      ({ state, role }) =>
        state === 'started' && !(options.partialOutput !== undefined && ['concat', 'probe'].includes(role)),
    ),
    [],
    'no process is started after the failure',
  );
  return { error, events, receipt, pictures: drawn };
}

/** Calls `act` once, at the first event that `matches`. */
export function atEvent(
  matches: (event: RenderEvent) => boolean,
  act: (event: RenderEvent) => void,
): (event: RenderEvent) => void {
  let done = false;
  return (event) => {
    if (done || !matches(event)) return;
    done = true;
    act(event);
  };
}

/** Once worker 1 has drawn its first frame: acts on its process of this role. */
export function whenDrawn(role: string, act: (pid: number) => void): (event: RenderEvent) => void {
  let pid: number | undefined;
  const drawn = atEvent(
    (event) => event.type === 'frame' && event.worker === 1,
    () => act(pid!),
  );
  return (event) => {
    if (event.type === 'process' && event.state === 'started' && event.role === role && event.worker === 1)
      pid = event.pid;
    drawn(event);
  };
}

/** Kills the processes of a browser that draw its pages, and only those. */
export function killRenderers(browser: number): void {
  const renderers = livingMembersNow(browser).filter((member) =>
    readFileSync(`/proc/${member}/cmdline`, 'latin1').includes('--type=renderer'),
  );
  assert.ok(renderers.length > 0, 'there is one');
  for (const renderer of renderers) process.kill(renderer, 'SIGKILL');
}
