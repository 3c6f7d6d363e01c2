import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { idleBrowsersOf } from '../src/browser/BrowserPool.js';
import { BrowserPool, RenderOrchestrator, type RenderHooks } from '../src/index.js';
import { ChildHost } from './support/ChildHost.js';
import { everyThird, LONG } from './support/extent.js';
import { PoolWatch } from './support/PoolWatch.js';
import { allProcesses, membersOf } from './support/processes.js';
import { atEvent, eventsOf, succeed, TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const ONE = { concurrency: 1, frameCount: 3 };
/** Longer than any test takes. */
const LONG_IDLE = { idleMs: 600_000 };
/** The promise is one second on a machine that has nothing else to do. */
const GONE_MS = 5000;

const sorted = (pids: readonly number[]) => pids.toSorted((a, b) => a - b);

describe('a render that stops', () => {
  it('kills the browsers that it has borrowed in the tick of the abort, and the pool has new ones afterwards', async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const before = await watch.render(COUNTER);
    const controller = new AbortController();
    const reason = { why: 'enough' };
    let alive: unknown[] = [];
    let waiting = 0;
    const at: RenderHooks['at'] = ({ phase, frame, worker }) => {
      if (phase !== 'encode' || frame !== worker! * 10 + 3) return undefined;
      if (++waiting === 2) {
        controller.abort(reason);
        // Nobody else of this process gets a turn: what dies was killed by the abort itself.
        const giveUp = performance.now() + GONE_MS;
        do alive = membersOf(new Set(before.browsers.started), allProcesses());
        while (alive.length > 0 && performance.now() < giveUp);
      }
      return new Promise(() => {});
    };
    const stopped = await watch.settle(COUNTER, {}, { signal: controller.signal, hooks: { at } });
    assert.equal(stopped.error, reason);
    assert.deepEqual(alive, []);
    assert.equal(pool.idle, 0);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    const { receipt } = eventsOf(stopped.events, 'stopped')[0]!;
    const killed = receipt.processes.filter(({ role }) => role === 'browser');
    assert.deepEqual(sorted(killed.map(({ pid }) => pid)), sorted(stopped.browsers.borrowed));
    assert.ok(killed.every(({ how }) => how === 'SIGKILL'));
    assert.deepEqual(receipt.leftovers, []);

    const after = await watch.render(COUNTER);
    assert.equal(after.browsers.started.length, 2);
    assert.equal(pool.idle, 2);
  });

  it('does not give back the browser of a page that failed, and leaves those alone that wait', async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const before = await watch.render(COUNTER);
    const url = sandbox.page('<script>throw new Error("wrong")</script>');
    const { error, events, browsers } = await watch.settle(url, ONE);
    assert.match(String(error), /wrong/);
    assert.equal(browsers.borrowed.length, 1);
    assert.deepEqual(browsers.ended, browsers.borrowed);
    const [stopped] = eventsOf(events, 'stopped');
    assert.deepEqual(stopped!.receipt.leftovers, []);
    assert.deepEqual(
      [...watch.idle],
      before.browsers.started.filter((pid) => !browsers.borrowed.includes(pid)),
    );
  });

  it('touches neither the pool nor anything else when it is aborted before it starts', async (context) => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const touched = () => context.mock.method(idleBrowsersOf(pool), 'borrow').mock;
    for (const idle of [0, 1]) {
      assert.equal(pool.idle, idle);
      sandbox.rememberHeld();
      const [before, borrow] = [[...watch.idle], touched()];
      const { error, events } = await watch.settle(COUNTER, {}, { signal: AbortSignal.abort('before') });
      assert.equal(error, 'before');
      assert.deepEqual(events, []);
      assert.equal(borrow.callCount(), 0);
      assert.deepEqual([...watch.idle], before);
      await sandbox.assertNoLeaks();
      borrow.restore();
      if (idle === 0) await watch.render(COUNTER, ONE);
    }
  });

  it('leaves nothing in this process, time and again', async () => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const abortAt = async (moment: number) => {
      const controller = new AbortController();
      let count = 0;
      const onEvent = () => {
        if (++count === moment) controller.abort(moment);
      };
      const { error } = await watch.settle(COUNTER, ONE, { signal: controller.signal, onEvent });
      assert.equal(error, moment);
      await watch.render(COUNTER, ONE);
    };
    await abortAt(12);
    sandbox.rememberHeld();
    for (const moment of everyThird([1, 6, 9, 10, 14, 18])) {
      await abortAt(moment);
      assert.equal(pool.idle, 1);
      await sandbox.assertNoLeaks();
    }
  });
});

describe('a browser that waits', () => {
  it('is gone after its idle life, with its files and all that guards it', async () => {
    using sandbox = new Sandbox();
    await succeed(sandbox, COUNTER, ONE);
    sandbox.rememberHeld();
    await using pool = new BrowserPool({ idleMs: 1 });
    const watch = new PoolWatch(sandbox, pool);
    await RenderOrchestrator.render(COUNTER, join(sandbox.root, 'out.mp4'), TWO_WORKERS, { browsers: pool });
    await watch.emptied();
    assert.equal(pool.idle, 0);
    await sandbox.assertNoLeaks();
  });

  it('is gone when the pool is closed, which a render that goes on outlives', LONG, async () => {
    using sandbox = new Sandbox();
    await succeed(sandbox, COUNTER, ONE);
    sandbox.rememberHeld();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    await watch.render(COUNTER);
    let closed: Promise<void> | undefined;
    const onEvent = atEvent(
      (event) => event.type === 'frame',
      () => void (closed = pool.close()),
    );
    const { browsers } = await watch.render(COUNTER, {}, { onEvent }, 'out.mp4');
    assert.deepEqual(sorted(browsers.ended), sorted(browsers.borrowed));
    await closed;
    assert.equal((await watch.render(COUNTER, ONE, {}, 'out.mp4')).browsers.started.length, 1);

    await using other = new BrowserPool(LONG_IDLE);
    await new PoolWatch(sandbox, other).render(COUNTER, {}, {}, 'out.mp4');
    assert.equal(other.idle, 2);
    await other.close();
    sandbox.assertNoProcesses();
    assert.deepEqual(sandbox.files(), ['out.mkv', 'out.mp4']);
    await sandbox.assertNoLeaks();
  });

  it('may crash: its files are removed, and the next render has a new one', LONG, async (context) => {
    using sandbox = new Sandbox();
    await using pool = new BrowserPool(LONG_IDLE);
    const watch = new PoolWatch(sandbox, pool);
    const first = await watch.render(COUNTER, ONE);
    process.kill(-first.browsers.returned[0]!, 'SIGKILL');
    await watch.emptied();
    assert.equal(pool.idle, 0);

    // Nobody can have seen these end, or stop, when the next render takes them.
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const [pid] = (await watch.render(COUNTER, ONE)).browsers.returned;
      const idle = idleBrowsersOf(pool);
      const borrow = idle.borrow.bind(idle);
      const { mock } = context.mock.method(idle, 'borrow', (...parameters: Parameters<typeof borrow>) => {
        process.kill(-pid!, signal);
        return borrow(...parameters);
      });
      const { browsers } = await watch.render(COUNTER, ONE);
      mock.restore();
      assert.deepEqual([browsers.borrowed, browsers.ended], [[pid], [pid]]);
      assert.equal(browsers.started.length, 1);
      assert.equal(pool.idle, 1);
    }
  });
});

describe('when the host ends', () => {
  for (const hardening of [true, false]) {
    for (const then of ['wait', 'again']) {
      const when = then === 'wait' ? 'wait' : 'are borrowed';
      const extent = hardening ? {} : LONG;
      it(`by SIGKILL, browsers that ${when} end${hardening ? '' : ', without hardening'}`, extent, async () => {
        using sandbox = new Sandbox();
        const destination = sandbox.destination('out.mp4');
        await using host = new ChildHost(sandbox, COUNTER, destination, { hardening, then }, 'poolHost.mjs');
        await host.until((event) => event.type === 'at');
        if (then === 'again') await host.until((event) => event.type === 'frame');
        assert.ok(host.left([destination]).length > 0, 'something is there to be left');
        await host.kill();
        assert.deepEqual(await host.gone([destination], GONE_MS), []);
      });
    }
  }

  it('by itself, it does not wait for them, and they end', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    await using host = new ChildHost(sandbox, COUNTER, destination, { then: 'end' }, 'poolHost.mjs');
    await host.until((event) => event.type === 'at');
    await host.ended;
    assert.equal(host.child.exitCode, 0);
    assert.deepEqual(await host.gone([destination], GONE_MS), []);
  });
});
