// What a process does that was stopped, as by Ctrl-Z or `docker pause`, for longer than its deadlines.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { never, underDeadline, withDeadline } from '../src/lifecycle/abort.js';
import { watchTime } from '../src/lifecycle/limits.js';
import { ManagedProcess } from '../src/lifecycle/ManagedProcess.js';
import { Deadline } from '../src/lifecycle/Deadline.js';
import { TaskGroup } from '../src/lifecycle/TaskGroup.js';
import { ChildHost } from './support/ChildHost.js';
import { LONG } from './support/extent.js';
import { Sandbox } from './support/Sandbox.js';

/** Holds up this whole process, as if it were stopped. */
function stand(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const DEADLINE = 300;
const STANDSTILL = 1500;
const late = () => new RangeError('late');

describe('a process that was stopped for longer than a deadline', () => {
  it('still takes what comes within one more', async () => {
    const answer = delay(DEADLINE + 100, 'here');
    const waiting = withDeadline(answer, DEADLINE, late);
    const working = underDeadline(undefined, DEADLINE, late, () => answer);
    stand(STANDSTILL);
    assert.equal(await waiting, 'here');
    assert.equal(await working, 'here');
  });

  it('still takes what another process has said meanwhile: it is read after the timers', async () => {
    const process = ManagedProcess.start('sh', ['-c', 'echo ready; read line; echo answer'], {
      role: 'test',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await once(process.child.stdout!, 'data');
    const said = once(process.child.stdout!, 'data') as Promise<[Buffer]>;
    const waiting = withDeadline(said, DEADLINE, late);
    process.child.stdin!.write('go on\n');
    stand(STANDSTILL);
    assert.equal(String((await waiting)[0]), 'answer\n');
    await process[Symbol.asyncDispose]();
  });

  it('takes what never comes for a stall all the same, also when it was stopped again and again', async () => {
    const waiting = withDeadline(never(), DEADLINE, late);
    for (let time = 0; time < 2; time++) {
      stand(STANDSTILL);
      await delay(0);
    }
    await assert.rejects(waiting, RangeError);
  });

  it('gives the whole render, and those who are to stop, as much time again', async () => {
    const told: string[] = [];
    const end = watchTime(
      DEADLINE,
      () => 'half done',
      () => told.push('over'),
    );
    using group = new TaskGroup();
    group.go((signal) => once(signal, 'abort').then(() => delay(50)));
    const joined = group.join(DEADLINE, () => told.push('stuck')).catch(() => {});
    group.fail('stop');
    stand(STANDSTILL);
    await joined;
    end();
    assert.deepEqual(told, []);
  });
});

describe('a host', () => {
  it('that is stopped in mid-render for longer than its deadlines goes on', LONG, async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const page = pathToFileURL(join(import.meta.dirname, 'pages', 'counter.html')).href;
    const deadlines = { load: 4000, seek: 4000, capture: 4000, encode: 4000 };
    await using host = new ChildHost(sandbox, page, destination, { deadlines, frameCount: 40 });
    await host.until((event) => event.type === 'frame');
    host.child.kill('SIGSTOP');
    await delay(7000);
    host.child.kill('SIGCONT');
    await host.ended;
    assert.equal(host.child.exitCode, 0);
    assert.ok(statSync(destination).size > 1000);
  });
});

describe('a process that is only late', () => {
  it('keeps its deadlines', async () => {
    const waiting = withDeadline(delay(STANDSTILL), 400, late);
    stand(500);
    await assert.rejects(waiting, RangeError);
  });

  it('has no endless deadline, however it is held up', (context) => {
    let now = 0;
    context.mock.method(performance, 'now', () => now);
    const deadline = new Deadline(DEADLINE);
    let looks = 0;
    for (; !deadline.isOver; looks++) now += STANDSTILL;
    assert.ok(looks > 1 && looks < 100, `${looks} looks`);
  });
});
