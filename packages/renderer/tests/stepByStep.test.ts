import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  DistributedRenderOptions,
  RenderEvent,
  RenderExecutor,
  RenderHooks,
  RenderJobOptions,
  RenderPhase,
  RenderPosition,
} from '../src/index.js';
import { atHook } from '../src/lifecycle/hooks.js';
import { deferred } from './support/deferred.js';
import { encodeOnly } from './support/encodeOnly.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { everyThird, isLong, LONG } from './support/extent.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;

type TakeStep = (position: RenderPosition & { phase: RenderPhase }, job: RenderJobOptions) => Promise<void>;

/** Takes the steps of a real chunk without a browser. The video is real. */
function stepping(takeStep: TakeStep): RenderExecutor {
  return {
    async render(url, path, options, job) {
      const { worker = 0 } = job;
      const first = options.startFrame!;
      for (const phase of ['launch', 'load', 'seek'] as const) await takeStep({ phase, worker }, job);
      for (let frame = first; frame < first + options.frameCount!; frame++) {
        await takeStep({ phase: 'capture', worker, frame }, job);
        await takeStep({ phase: 'encode', worker, frame }, job);
      }
      await takeStep({ phase: 'drain', worker }, job);
      await encodeOnly.render(url, path, options, job);
      await takeStep({ phase: 'commit', worker }, job);
    },
  };
}

/** As a real worker does: stops at once, and tells of a failure in the tick in which it is found. */
const heedful = stepping(async (position, { hooks, signal, onEvent }) => {
  const worker = position.worker!;
  if (hooks) await atHook(hooks, position, signal!, (error) => onEvent?.({ type: 'worker-failed', error, worker }));
});

/** Waits for its step whatever happens meanwhile. */
const heedless = stepping(async (position, { hooks }) => {
  await hooks?.at(position);
});

const SMALL = { width: 64, height: 64, frameCount: 6, concurrency: 2 } as const;
/** The pictures that need no browser have this size. */
const FAKE = { frameCount: 6, concurrency: 2, executor: heedful } as const;

async function countSteps(sandbox: Sandbox, options: Partial<DistributedRenderOptions>): Promise<number> {
  let steps = 0;
  await succeed(sandbox, COUNTER, options, {
    hooks: {
      at: () => {
        steps++;
      },
    },
  });
  return steps;
}

/** Aborts renders at their n-th step, for every n (in the tests that always run every third), then lets one complete untouched. */
async function abortAtEveryStep(options: Partial<DistributedRenderOptions>, least: number): Promise<void> {
  using sandbox = new Sandbox();
  const total = await countSteps(sandbox, options);
  assert.ok(total >= least, `${total} steps`);
  const numbers = Array.from({ length: total }, (_, index) => index + 1);
  for (const n of [...everyThird(numbers), total + 1]) {
    const controller = new AbortController();
    const reason = { step: n };
    let steps = 0;
    const at = () => {
      if (++steps === n) controller.abort(reason);
    };
    const job = { signal: controller.signal, hooks: { at } };
    if (n > total) {
      await succeed(sandbox, COUNTER, options, job);
      assert.equal(controller.signal.aborted, false);
      break;
    }
    const { error, events } = await fail(sandbox, COUNTER, options, job);
    assert.equal(error, reason, "the signal's reason itself");
    assert.equal(steps, n, 'no step is taken after the abort');
    assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
  }
}

type Place = RenderPosition & { phase: RenderPhase };

/** Holds both workers, each at its place, and makes both fail, in this order. */
async function failBoth(
  sandbox: Sandbox,
  options: Partial<DistributedRenderOptions>,
  places: readonly [Place, Place],
  order: readonly [0 | 1, 0 | 1],
  when: 'in one tick' | 'in the turn after',
): Promise<void> {
  const errors = [new Error('of worker 0'), new Error('of worker 1')] as const;
  const arrivals = [deferred(), deferred()] as const;
  const held = [deferred(), deferred()] as const;
  const at: RenderHooks['at'] = (position) => {
    const index = places.findIndex(
      ({ phase, worker, frame }) =>
        position.phase === phase && position.worker === worker && (frame === undefined || frame === position.frame),
    );
    if (index < 0) return undefined;
    arrivals[index]!.resolve();
    return held[index]!.promise;
  };
  const [first, second] = order;
  const stopping = deferred();
  const onEvent = (event: RenderEvent) => {
    if (event.type === 'state' && event.state === 'failing') stopping.resolve();
  };
  const failing = fail(sandbox, COUNTER, options, { hooks: { at }, onEvent });
  await Promise.all(arrivals.map(({ promise }) => promise));
  held[first].reject(errors[first]);
  if (when === 'in the turn after') {
    await stopping.promise;
    await setImmediate();
  }
  held[second].reject(errors[second]);
  const { error, events } = await failing;
  assert.equal(error, errors[first], 'the very error that came first');
  assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [errors[second]]);
}

const ORDERS = [
  [0, 1],
  [1, 0],
] as const;

/** Some steps of one worker of a fake render, from its first to its last. */
function placesOf(worker: number): Place[] {
  const frame = worker * 3 + 1;
  return [
    { phase: 'launch', worker },
    { phase: 'seek', worker },
    { phase: 'capture', worker, frame },
    { phase: 'encode', worker, frame },
    { phase: 'commit', worker },
  ];
}

describe('step by step', () => {
  it('clause 4: aborted at its n-th step, for every n, a render rejects with the reason and leaves nothing', () =>
    abortAtEveryStep(FAKE, 20));

  it('clause 4: the same with real browsers and encoders', LONG, () => abortAtEveryStep(SMALL, 30));

  for (const when of ['in one tick', 'in the turn after'] as const) {
    const extent = when === 'in one tick' ? {} : LONG;
    it(
      `clause 3: of two failures ${when}, in both orders, at any two steps, the first comes out with the other beside it`,
      extent,
      async () => {
        using sandbox = new Sandbox();
        const executor = when === 'in one tick' ? heedful : heedless;
        const pairs = placesOf(0).flatMap((a) => placesOf(1).map((b) => [a, b] as const));
        // Every third of five times five still has each step of either worker.
        for (const [one, other] of everyThird(pairs)) {
          for (const order of ORDERS) await failBoth(sandbox, { ...FAKE, executor }, [one, other], order, when);
        }
      },
    );
  }

  const real: [RenderPhase, RenderPhase, { skip?: string | boolean }][] = [
    ['launch', 'launch', {}],
    ['load', 'launch', LONG],
    ['capture', 'seek', {}],
    ['encode', 'capture', LONG],
    ['drain', 'drain', LONG],
    ['commit', 'verify', {}],
  ];
  for (const [index, [one, other, extent]] of real.entries()) {
    it(`clause 3: the same with real workers, at ${one} and ${other}`, extent, async () => {
      using sandbox = new Sandbox();
      const places = [
        { phase: one, worker: 0 },
        { phase: other, worker: 1 },
      ] as const;
      // Both orders at each place are in the long tests; the receipts have both at one place every time.
      const orders = ORDERS.filter((_, turn) => isLong || turn === index % 2);
      for (const order of orders) await failBoth(sandbox, SMALL, places, order, 'in one tick');
    });
  }
});
