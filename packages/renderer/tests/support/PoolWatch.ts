import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  RenderOrchestrator,
  type BrowserPool,
  type DistributedRenderOptions,
  type RenderEvent,
  type RenderJobOptions,
} from '../../src/index.js';
import { livingMembersNow } from '../../src/lifecycle/processGroup.js';
import { guardiansIn } from './ChildHost.js';
import { eventsOf, TWO_WORKERS } from './renders.js';
import type { Sandbox } from './Sandbox.js';

/** What renders do with browsers, by their pids. */
export interface Browsers {
  started: number[];
  borrowed: number[];
  returned: number[];
  ended: number[];
}

interface Outcome {
  error: unknown;
  events: RenderEvent[];
  browsers: Browsers;
  path: string;
}

const OUTPUT = /^\w+\.(?:mkv|mp4|png|hashes)$/;

/** Renders with a pool, and knows from what they tell which browsers are the pool's. */
export class PoolWatch {
  readonly idle = new Set<number>();

  constructor(
    readonly sandbox: Sandbox,
    readonly pool: BrowserPool,
  ) {}

  /** Runs a render that must succeed. */
  async render(...parameters: Parameters<PoolWatch['settle']>): Promise<Outcome> {
    const outcome = await this.settle(...parameters);
    assert.equal(outcome.error, undefined);
    return outcome;
  }

  /** Runs a render and tells how it went; asserts that it leaves nothing but browsers that are the pool's. */
  async settle(
    url: string,
    options: Partial<DistributedRenderOptions> = {},
    job: RenderJobOptions = {},
    name = 'out.mkv',
  ): Promise<Outcome> {
    const { sandbox, pool } = this;
    const events: RenderEvent[] = [];
    const path = join(sandbox.root, name);
    const outcome = RenderOrchestrator.render(
      url,
      path,
      { ...TWO_WORKERS, ...options },
      {
        browsers: pool,
        ...job,
        onEvent: (event) => {
          events.push(event);
          this.watch(event);
          return job.onEvent?.(event);
        },
      },
    );
    const error: unknown = await outcome.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    this.assertOnlyIdle();
    return { error, events, browsers: browsersIn(events), path };
  }

  readonly watch = (event: RenderEvent): void => {
    if (event.type === 'process' && event.state === 'returned') this.idle.add(event.pid);
    if (event.type === 'process' && event.state === 'borrowed') this.idle.delete(event.pid);
    this.sandbox.watch(event);
  };

  /** Waits until nothing is left of browsers that ended while they waited; asserts that it is so. */
  async emptied(): Promise<void> {
    const giveUp = performance.now() + 5000;
    const isLeft = () => {
      const { sandbox } = this;
      const folders = sandbox.files().some((file) => !OUTPUT.test(file));
      return folders || sandbox.survivors().length > 0 || sandbox.zombies().length > 0;
    };
    while (isLeft() && performance.now() < giveUp) await new Promise(setImmediate);
    assert.equal(this.pool.idle, 0);
    this.assertOnlyIdle();
  }

  /** Asserts that no process and no file is there but those of browsers that wait, and finished outputs. */
  assertOnlyIdle(): void {
    const { sandbox, pool, idle } = this;
    for (const pid of idle) if (livingMembersNow(pid).length === 0) idle.delete(pid);
    assert.equal(pool.idle, idle.size, 'what was given back waits');
    const allowed = [...guardiansIn(sandbox), ...[...idle].flatMap((pid) => livingMembersNow(pid))];
    const others = sandbox.survivors().filter((line) => !allowed.includes(Number.parseInt(line)));
    assert.deepEqual(others, [], 'processes live on');
    assert.deepEqual(sandbox.zombies(), []);
    const files = sandbox.files().filter((file) => !OUTPUT.test(file));
    const inside = files.flatMap((file) => readdirSync(join(sandbox.root, file)));
    assert.equal(files.length, idle.size > 0 ? 1 : 0, files.join());
    // A folder for each browser, and the record of what they are.
    assert.equal(inside.length, idle.size > 0 ? idle.size + 1 : 0, inside.join());
    sandbox.assertNoComplaints();
  }
}

function browsersIn(events: readonly RenderEvent[]): Browsers {
  const of = (wanted: string) =>
    eventsOf(events, 'process').flatMap(({ role, state, pid }) =>
      role === 'browser' && state === wanted ? [pid] : [],
    );
  return { started: of('started'), borrowed: of('borrowed'), returned: of('returned'), ended: of('ended') };
}
