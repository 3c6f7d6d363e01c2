// The clauses of the cancellation contract, each by its number. Clauses 3 and 4 are also tested step by
// step (stepByStep.test.ts), all of them under every fault (faults.test.ts); clauses 11 and 12 in
// failures.test.ts, clause 14 in leaks.test.ts and in the tests of the command line.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { everyThird } from './support/extent.js';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  Renderer,
  RenderOrchestrator,
  TeardownError,
  readComposition,
  renderStill,
  type RenderEvent,
  type RenderExecutor,
  type RenderJobOptions,
  type RenderHooks,
} from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { hasLeftovers } from '../src/lifecycle/leftovers.js';
import { deferred } from './support/deferred.js';
import { encodeOnly } from './support/encodeOnly.js';
import { allProcesses, membersOf } from './support/processes.js';
import { atEvent, eventsOf, fail, succeed, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { untilAborted } from './support/untilAborted.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;

type Work = (worker: number, job: RenderJobOptions, path: string) => ReturnType<RenderExecutor['render']>;

/** Workers that do this instead of rendering. */
function workers(work: Work): { executor: RenderExecutor } {
  return { executor: { render: (_url, path, _options, job) => work(job.worker!, job, path) } };
}

describe('clause 1: join before settle', () => {
  it('a render whose worker takes its time to stop waits for it', async () => {
    using sandbox = new Sandbox();
    const stopped = deferred();
    const failure = new Error('of worker 0');
    let over = false;
    const executor = workers(async (worker, { signal }) => {
      if (worker === 0) throw failure;
      await untilAborted(signal!).catch(() => stopped.promise);
      over = true;
    });
    let settled = false;
    const failing = fail(sandbox, COUNTER, executor).finally(() => (settled = true));
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    assert.equal(settled, false);
    stopped.resolve();
    const { error } = await failing;
    assert.equal(error, failure);
    assert.ok(over);
  });
});

describe('clause 2: the first failure wins, by identity', () => {
  const thrown: [string, unknown][] = [
    ['an error', new Error('own')],
    ['a frozen error', Object.freeze(new TypeError('frozen'))],
    ['a text', 'a text'],
    ['undefined', undefined],
    ['an error that calls itself an abort', Object.assign(new Error('not one'), { name: 'AbortError' })],
  ];
  for (const [name, value] of thrown) {
    it(`${name} that a worker throws is what the caller catches`, async () => {
      using sandbox = new Sandbox();
      const executor = workers((worker, { signal }) => (worker === 1 ? Promise.reject(value) : untilAborted(signal!)));
      const { error } = await fail(sandbox, COUNTER, executor);
      assert.equal(error, value);
    });
  }
});

describe('clause 3: later failures attach, never replace', () => {
  it('they are listed in their order, no error object is changed, and no echo is among them', async () => {
    using sandbox = new Sandbox();
    const errors = [0, 1, 2].map((worker) => Object.freeze(new Error(`of worker ${worker}`)));
    const executor = workers(async (worker, { signal }) => {
      if (worker === 2) throw errors[2]! as Error;
      // Worker 3 only passes the abort on, in the wrapping that Node gives it.
      if (worker === 3) return delay(60_000, undefined, { signal });
      await untilAborted(signal!).catch(() => {});
      for (let turn = 0; turn <= worker; turn++) await setImmediate();
      throw errors[worker]! as Error;
    });
    const { error, events } = await fail(sandbox, COUNTER, { ...executor, concurrency: 4 });
    assert.equal(error, errors[2]);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [errors[0], errors[1]]);
  });

  it('two pages that throw at once: one error comes out, the other is listed', async () => {
    using sandbox = new Sandbox();
    const url = sandbox.page('<!doctype html><script>throw new Error("at load")</script>');
    let arrived = 0;
    const both = deferred();
    const at: RenderHooks['at'] = ({ phase }) => {
      if (phase !== 'load') return undefined;
      if (++arrived === 2) both.resolve();
      return both.promise;
    };
    const { error, events } = await fail(sandbox, url, {}, { hooks: { at } });
    const told = eventsOf(events, 'page-error').map((event) => event.error);
    assert.equal(told[0], error);
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, told.slice(1));
  });
});

describe("clause 4: a user's abort rejects with the signal's reason itself", () => {
  const reasons: unknown[] = [new Error('an error'), 'a text', '', 0, null, false, Symbol('a symbol'), { stop: true }];
  for (const reason of [...reasons, Object.freeze(new Error('frozen'))]) {
    it(`${String(reason) || 'an empty text'} (${typeof reason})`, async () => {
      using sandbox = new Sandbox();
      const controller = new AbortController();
      // Node wraps the reason of an abort; a worker may pass that on.
      const executor = workers((worker, { signal }) => {
        if (worker === 0) setTimeout(() => controller.abort(reason), 0);
        return delay(60_000, undefined, { signal });
      });
      const { error, receipt } = await fail(sandbox, COUNTER, executor, { signal: controller.signal });
      assert.equal(error, reason);
      assert.equal(receipt.reason, 'user');
    });
  }

  it('without a reason it is what the signal has made itself', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const executor = workers((_, { signal }) => {
      controller.abort();
      return delay(60_000, undefined, { signal });
    });
    const { error } = await fail(sandbox, COUNTER, executor, { signal: controller.signal });
    assert.equal(error, controller.signal.reason);
  });
});

describe('clause 5: an already aborted signal starts nothing', () => {
  const { concurrency: _, ...ONE } = TWO_WORKERS;
  type Begin = (destination: string, job: { signal: AbortSignal; onEvent: (event: RenderEvent) => void }) => unknown;
  const ways: [string, Begin][] = [
    ['a render', (path, job) => RenderOrchestrator.render(COUNTER, path, TWO_WORKERS, job)],
    ['a render with faulty options', (path, job) => RenderOrchestrator.render('', path, { width: 0 } as never, job)],
    ['a Renderer', (path, job) => new Renderer(ONE).render(COUNTER, path, job)],
    ['a still', (path, job) => renderStill(COUNTER, path, { width: 64, height: 64, fps: 30, frame: 0 }, job)],
    ["a look at the page's declaration", (_path, job) => readComposition(COUNTER, job)],
    ['a command', (_path, job) => runCommand('sleep', ['1000'], { signal: job.signal })],
  ];
  for (const [name, begin] of ways) {
    it(`${name}: no event, process, file or listener; rejects with the reason`, async (context) => {
      using sandbox = new Sandbox();
      const destination = sandbox.destination('out.mp4');
      const signal = AbortSignal.abort('before');
      const listen = context.mock.method(signal, 'addEventListener');
      const onEvent = context.mock.fn();
      sandbox.rememberHeld();
      const outcome = begin(destination, { signal, onEvent });
      sandbox.assertNothingLeft(destination, signal);
      const [{ reason }] = (await Promise.allSettled([outcome])) as [PromiseRejectedResult];
      assert.equal(reason, 'before');
      assert.equal(listen.mock.callCount(), 0);
      assert.equal(onEvent.mock.callCount(), 0);
      sandbox.assertNothingLeft(destination, signal);
      await sandbox.assertNoLeaks();
    });
  }
});

describe('clause 6: an abort is synchronous and level-triggered', () => {
  it('every process is dead before the event loop turns once', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const leaders = new Set<number>();
    let alive: unknown[] = [];
    let waiting = 0;
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'process' && event.state === 'started') leaders.add(event.pid);
    };
    const at: RenderHooks['at'] = ({ phase, frame, worker }) => {
      if (phase !== 'encode' || frame !== worker! * 10 + 3) return undefined;
      if (++waiting === 2) {
        assert.equal(leaders.size, 4);
        controller.abort('now');
        // Nobody else of this process gets a turn: what dies was killed by the abort itself.
        const giveUp = performance.now() + 5000;
        do alive = membersOf(leaders, allProcesses());
        while (alive.length > 0 && performance.now() < giveUp);
      }
      return new Promise(() => {});
    };
    const { error } = await fail(sandbox, COUNTER, {}, { signal: controller.signal, onEvent, hooks: { at } });
    assert.equal(error, 'now');
    assert.deepEqual(alive, []);
  });

  it('what would start after it is refused', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    // The browser's flags, its folder and its process come after this event; so does the encoder.
    const onEvent = atEvent(
      (event) => event.type === 'phase' && event.phase === 'launch',
      () => controller.abort('early'),
    );
    const { error, events } = await fail(sandbox, COUNTER, {}, { signal: controller.signal, onEvent });
    assert.equal(error, 'early');
    assert.deepEqual(eventsOf(events, 'process'), []);
  });

  it('a worker that begins to listen late has been told already', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const seen: boolean[] = [];
    const executor = workers(async (_, { signal }) => {
      controller.abort('before it looked');
      await setImmediate();
      seen.push(signal!.aborted);
      signal!.throwIfAborted();
    });
    const { error } = await fail(sandbox, COUNTER, executor, { signal: controller.signal });
    assert.equal(error, 'before it looked');
    assert.deepEqual(seen, [true, true]);
  });
});

/** Makes a folder that cannot be removed, since a file system is mounted on it. False where that is not permitted. */
function pin(folder: string): boolean {
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('clause 7: cleanup is shielded and bounded', () => {
  const cases: [string, unknown][] = [
    ['after a failure', new Error('the cause')],
    ['after a success', undefined],
  ];
  for (const [name, cause] of cases) {
    it(`${name}: what cannot be removed is named and holds nothing up`, async (context) => {
      using sandbox = new Sandbox();
      const destination = sandbox.destination('out.mp4');
      let pinned: string | undefined;
      const executor: RenderExecutor = {
        async render(url, path, options, job) {
          await encodeOnly.render(url, path, options, job);
          if (job.worker !== 0) return;
          const folder = join(dirname(path), 'pinned');
          if (pin(folder)) pinned = folder;
          if (cause !== undefined) throw cause as Error;
        },
      };
      const events: RenderEvent[] = [];
      const onEvent = (event: RenderEvent) => void events.push(event);
      try {
        const options = { ...TWO_WORKERS, executor };
        const [outcome] = await Promise.allSettled([
          RenderOrchestrator.render(COUNTER, destination, options, { onEvent }),
        ]);
        if (pinned === undefined) {
          context.skip('no file system may be mounted');
          return;
        }
        assert.equal(outcome.status, 'rejected');
        const error: unknown = outcome.reason;
        if (cause === undefined) assert.ok(error instanceof TeardownError, String(error));
        else assert.equal(error, cause);
        const { leftovers } = eventsOf(events, 'stopped')[0]!.receipt;
        assert.deepEqual(leftovers, [dirname(pinned)]);
      } finally {
        if (pinned !== undefined) execFileSync('umount', [pinned]);
      }
      // It is tried again while this process lives.
      while (hasLeftovers()) await delay(20);
      assert.deepEqual(sandbox.files(), ['out.mp4']);
    });
  }

  it('an abort during the cleanup of a failure changes nothing', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const failure = new Error('the cause');
    const executor = workers((worker, { signal }) => (worker === 0 ? Promise.reject(failure) : untilAborted(signal!)));
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'state' && event.state === 'failing') controller.abort('meanwhile');
    };
    const { error } = await fail(sandbox, COUNTER, executor, { signal: controller.signal, onEvent });
    assert.equal(error, failure);
  });
});

describe('clause 8: a bounded stop', () => {
  it('8 workers that draw are gone within a second of the abort', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    let waiting = 0;
    const at: RenderHooks['at'] = ({ phase }) => {
      if (phase !== 'capture') return undefined;
      if (++waiting === 8) controller.abort('enough');
      return new Promise(() => {});
    };
    const options = { width: 64, height: 64, frameCount: 8, concurrency: 8 };
    const { receipt } = await fail(sandbox, COUNTER, options, { signal: controller.signal, hooks: { at } });
    // A second of a machine that has nothing else to do.
    const share = Math.max(1, loadavg()[0]! / availableParallelism());
    assert.ok(receipt.ms < 1000 * share, `${receipt.ms} ms`);
    assert.equal(receipt.processes.length, 16);
  });
});

describe('clause 9: the output is all or nothing', () => {
  it('until the commit the destination holds its old bytes, and then the whole file', async () => {
    using sandbox = new Sandbox();
    const path = join(sandbox.root, 'out.mp4');
    const held: string[] = [];
    const look = () => void held.push(readFileSync(path, 'latin1'));
    const options = { frameCount: 4 };
    await succeed(sandbox, COUNTER, options, { onEvent: look, hooks: { at: look } });
    const whole = readFileSync(path, 'latin1');
    assert.deepEqual([...new Set(held)], ['what was here before', whole]);
  });

  it('where nothing was, nothing is after a failure', async () => {
    using sandbox = new Sandbox();
    const at: RenderHooks['at'] = ({ phase, worker }) => {
      if (phase === 'commit' && worker === undefined) throw new Error('too bad');
    };
    const options = { ...TWO_WORKERS, executor: encodeOnly };
    const path = join(sandbox.root, 'fresh.mp4');
    await assert.rejects(RenderOrchestrator.render(COUNTER, path, options, { hooks: { at } }), /too bad/);
    sandbox.assertNoProcesses();
    assert.deepEqual(sandbox.files(), []);
  });
});

describe('clause 10: one commit point', () => {
  it('an abort at any moment either leaves the old file and rejects, or comes after the new one', async () => {
    using sandbox = new Sandbox();
    const outcomes = new Set<string>();
    // From the last step on, an abort comes ever some turns later.
    for (const turns of everyThird([...Array(12).keys()])) {
      const controller = new AbortController();
      const destination = sandbox.destination('out.mp4');
      const states: string[] = [];
      const at: RenderHooks['at'] = ({ phase, worker }) => {
        if (phase !== 'commit' || worker !== undefined) return;
        let left = turns;
        const next = () => {
          if (left-- > 0) queueMicrotask(next);
          else controller.abort('stop');
        };
        next();
      };
      const job = {
        signal: controller.signal,
        hooks: { at },
        onEvent: (event: RenderEvent) => {
          if (event.type === 'state') states.push(event.state);
        },
      };
      const options = { ...TWO_WORKERS, frameCount: 1, executor: encodeOnly };
      const [{ status }] = await Promise.allSettled([RenderOrchestrator.render(COUNTER, destination, options, job)]);
      const isOld = readFileSync(destination, 'latin1') === 'what was here before';
      assert.equal(status, isOld ? 'rejected' : 'fulfilled');
      assert.equal(states.at(-1), isOld ? 'cancelled' : 'succeeded');
      if (!isOld) assert.ok(!states.includes('cancelling'));
      outcomes.add(status);
      sandbox.assertNoProcesses();
      assert.deepEqual(sandbox.files(), ['out.mp4']);
    }
    assert.deepEqual([...outcomes], ['rejected', 'fulfilled'], 'there were moments before and after it');
  });
});

describe('clause 14: repeatable', () => {
  it('the library installs no handler of a signal', async () => {
    using sandbox = new Sandbox();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'exit', 'beforeExit'];
    const count = () => signals.map((name) => process.listenerCount(name));
    const before = count();
    const during: number[][] = [];
    await succeed(sandbox, COUNTER, { frameCount: 2 }, { hooks: { at: () => void during.push(count()) } });
    for (const counted of during) assert.deepEqual(counted, before);
  });
});
