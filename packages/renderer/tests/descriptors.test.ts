// A process that has as many files open as it may: at the start of a render, in its middle, and at its end.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { GenlockError, RenderOrchestrator, ToolError, renderStill, type RenderHooks } from '../src/index.js';
import { isGone, thisOwner } from '../src/lifecycle/host/owner.js';
import { hasLeftovers } from '../src/lifecycle/leftovers.js';
import { ManagedProcess } from '../src/lifecycle/ManagedProcess.js';
import { readProcessesNow, readStat } from '../src/lifecycle/processGroup.js';
import { removeTemporary } from '../src/lifecycle/temporaryPaths.js';
import { nameAndMessageOf } from '../src/unknowns.js';
import { canLimit, ScarceDescriptors } from './support/descriptors.js';
import { everyThird, isLong } from './support/extent.js';
import { TWO_WORKERS } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const SMALL = { ...TWO_WORKERS, width: 160, height: 90, frameCount: 4 };
const skip = canLimit ? false : 'needs prlimit';

/** Waits until what could not be removed at once is gone. */
async function emptied(): Promise<void> {
  while (hasLeftovers()) await delay(20);
}

describe('a process without a file to spare', { skip }, () => {
  it('tells of a process that cannot be started through `ended`', async () => {
    using sandbox = new Sandbox();
    using scarce = new ScarceDescriptors();
    scarce.leave(0);
    const process = ManagedProcess.start('sleep', ['1000'], { role: 'test', stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    process.keepAlive(false);
    const end = await process.ended;
    assert.equal(end.error?.code, 'EMFILE');
    assert.deepEqual([process.pid, end.code, end.survivors, end.unseen], [undefined, null, [], undefined]);
    await process[Symbol.asyncDispose]();
    scarce.release();
    // So does one for which `spawn` throws.
    const tooLong = await ManagedProcess.start('sleep', ['1'.repeat(3_000_000)], { role: 'test' }).ended;
    assert.equal(tooLong.error?.code, 'E2BIG');
    sandbox.assertNoComplaints();
  });

  it('takes nobody for dead at whom it cannot look', () => {
    using scarce = new ScarceDescriptors();
    const owner = thisOwner();
    scarce.leave(0);
    assert.throws(() => readStat(process.pid), { code: 'EMFILE' });
    assert.throws(() => readProcessesNow(), { code: 'EMFILE' });
    assert.equal(isGone(owner), false);
    scarce.leave(1);
    assert.equal(readStat(process.pid)?.pid, process.pid);
  });

  it('says of a process that ends that it could not look for survivors, and looks later', async () => {
    using scarce = new ScarceDescriptors();
    // It leaves a process behind that has a session of its own.
    const script = 'setsid sleep 1000 & exec sleep 1000';
    const running = ManagedProcess.start('sh', ['-c', script], { role: 'test', stdio: 'ignore' });
    scarce.leave(0);
    running.kill();
    const { unseen } = await running.ended;
    assert.match(unseen ?? '', /EMFILE/);
    assert.ok(hasLeftovers());
    scarce.release();
    await emptied();
  });

  it('names what it cannot remove, and removes it when it can', async () => {
    using scarce = new ScarceDescriptors();
    const folder = mkdtempSync(join(tmpdir(), 'genlock-test-'));
    mkdirSync(join(folder, 'inner'));
    writeFileSync(join(folder, 'inner', 'file'), 'text');
    scarce.leave(0);
    const told: string[] = [];
    await removeTemporary(folder, (path) => told.push(path));
    assert.deepEqual(told, [folder]);
    assert.ok(existsSync(folder));
    scarce.release();
    await emptied();
    assert.ok(!existsSync(folder));
  });

  it('fails a render at its start with an error that says what to do, and renders when it can', async () => {
    using sandbox = new Sandbox();
    using scarce = new ScarceDescriptors();
    const destination = sandbox.destination('out.mp4');
    for (const room of [0, 5, 20]) {
      scarce.leave(room);
      const renders = [
        RenderOrchestrator.render(COUNTER, destination, SMALL),
        renderStill(COUNTER, destination, { width: 160, height: 90, fps: 30, frame: 0 }),
      ];
      for (const { status, reason } of (await Promise.allSettled(renders)) as PromiseRejectedResult[]) {
        assert.equal(status, 'rejected');
        assert.ok(reason instanceof ToolError, String(reason));
        assert.match(reason.message, /reached its limit of open files \(EMFILE\): .*ulimit -n/);
      }
      scarce.release();
      sandbox.assertNothingLeft(destination);
    }
    await RenderOrchestrator.render(COUNTER, destination, SMALL);
    sandbox.assertNoProcesses();
    assert.deepEqual(sandbox.files(), ['out.mp4']);
  });

  const moments = ['launch', 'load', 'seek', 'capture', 'encode', 'drain', 'verify', 'concat', 'commit'] as const;
  for (const moment of everyThird(moments)) {
    it(`fails no more than the render that it happens to: ${moment}`, async () => {
      using sandbox = new Sandbox();
      using scarce = new ScarceDescriptors();
      for (const room of isLong ? [0, 3] : [0]) {
        const destination = sandbox.destination('out.mp4');
        const at: RenderHooks['at'] = ({ phase }) => {
          if (phase === moment) scarce.leave(room);
        };
        const [outcome] = await Promise.allSettled([
          RenderOrchestrator.render(COUNTER, destination, SMALL, { hooks: { at } }),
        ]);
        scarce.release();
        await emptied();
        if (outcome.status === 'fulfilled') assert.deepEqual(sandbox.files(), ['out.mp4']);
        else {
          const error: unknown = outcome.reason;
          assert.ok(error instanceof GenlockError, `${room} left: ${nameAndMessageOf(error)}`);
          sandbox.assertNothingLeft(destination);
        }
        sandbox.assertNoProcesses();
        sandbox.assertNoComplaints();
      }
      if (!isLong) return;
      await RenderOrchestrator.render(COUNTER, sandbox.destination('out.mp4'), SMALL);
      assert.deepEqual(sandbox.files(), ['out.mp4']);
    });
  }
});
