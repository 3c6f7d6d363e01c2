/**
 * Runs as a separate Node process that renders up to a certain place and there kills itself with SIGKILL. Its parent
 * then checks what is left. The first argument is its HostTask as JSON.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { RenderOrchestrator, type DistributedRenderOptions } from '@genlock/renderer';
import { Traces, type KnownProcesses } from '@genlock/renderer/testing';
import { atPlace } from './atPlace.js';
import type { Place } from './plan.js';

export interface HostTask {
  url: string;
  output: string;
  options: Omit<DistributedRenderOptions, 'executor'>;
  place: Place;
  delayMs: number;
  /** Path of the file for its HostRecord. */
  record: string;
}

/** Written in the tick of the kill. */
export interface HostRecord {
  /** On the clock of `Date.now()`. */
  killedAt: number;
  known: KnownProcesses;
}

const task = JSON.parse(process.argv[2] ?? '') as HostTask;
const traces = new Traces([]);

async function die(): Promise<void> {
  await delay(task.delayMs);
  traces.noteDescendants();
  const record: HostRecord = { killedAt: Date.now(), known: traces.known() };
  writeFileSync(task.record, JSON.stringify(record));
  process.kill(process.pid, 'SIGKILL');
}

const hooks = atPlace(task.place, () => void die());
await RenderOrchestrator.render(task.url, task.output, task.options, { hooks, onEvent: traces.watch });
// The render finished before the delay was over. Wait for `die`.
await new Promise((resolve) => setTimeout(resolve, task.delayMs + 1000));
