/**
 * A Node process that renders for a long time: 200 renders that are cancelled at random moments and
 * 20 that are completed among them. Prints what it held after each one, as one line of JSON.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RenderOrchestrator } from '../../src/index.js';
import { collectGarbage, hostDifferences, readHost, Traces } from '../../src/testing/index.js';
import { TWO_WORKERS } from './renders.js';

export interface LongLife {
  cancelled: number;
  completed: number;
  /** Resident bytes after each render, all garbage collected. */
  memory: number[];
  /** What was held more or less of than at the beginning, was left, or went wrong. */
  problems: string[];
}

const ROUNDS = 20;
const CANCELS_A_ROUND = 10;
const COUNTER = pathToFileURL(join(import.meta.dirname, '../pages/counter.html')).href;

const life: LongLife = { cancelled: 0, completed: 0, memory: [], problems: [] };
const folder = process.argv[2]!;
const traces = new Traces([folder]);
for (const name of ['warning', 'unhandledRejection']) {
  process.on(name, (what) => life.problems.push(`${name}: ${String(what)}`));
}

/** Renders, and cancels at an event if there are so many. Returns the number of events before the commit. */
async function render(cancelAt: number | undefined): Promise<number> {
  const controller = new AbortController();
  const reason = { cancelAt };
  let count = 0;
  let beforeCommit = 0;
  try {
    await RenderOrchestrator.render(COUNTER, join(folder, 'out.mp4'), TWO_WORKERS, {
      signal: controller.signal,
      onEvent: (event) => {
        traces.watch(event);
        count += 1;
        if (event.type === 'phase' && event.phase === 'commit' && event.worker === undefined) beforeCommit = count;
        if (count === cancelAt) controller.abort(reason);
      },
    });
    life.completed += 1;
  } catch (error) {
    if (error !== reason) life.problems.push(`rejected with ${String(error)}`);
    life.cancelled += 1;
  }
  return beforeCommit;
}

async function look(before?: Awaited<ReturnType<typeof readHost>>) {
  const now = await readHost();
  if (before) life.problems.push(...hostDifferences(before, now));
  life.problems.push(...traces.survivors().map(({ pid, command }) => `process ${pid} lives on: ${command}`));
  life.problems.push(...traces.zombies().map((pid) => `process ${pid} is a zombie`));
  traces.clear();
  collectGarbage();
  life.memory.push(process.memoryUsage().rss);
  return now;
}

const moments = await render(undefined);
await render(20);
const before = await look();
Object.assign(life, { cancelled: 0, completed: 0, memory: [] });
for (let round = 0; round < ROUNDS; round++) {
  for (let cancel = 0; cancel < CANCELS_A_ROUND; cancel++) {
    await render(1 + Math.floor(Math.random() * moments));
    await look(before);
  }
  await render(undefined);
  await look(before);
}
console.log(JSON.stringify(life));
