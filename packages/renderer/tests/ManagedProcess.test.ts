import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { withDeadline } from '../src/lifecycle/abort.js';
import { ManagedProcess, killAllProcesses } from '../src/lifecycle/ManagedProcess.js';
import { livingMembersNow, readStat } from '../src/lifecycle/processGroup.js';
import { runCommand } from '../src/lifecycle/runCommand.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

/** Runs a shell script that says a line when it is ready. */
async function startScript(script: string, signal?: AbortSignal): Promise<{ process: ManagedProcess; said: string }> {
  const process = ManagedProcess.start('sh', ['-c', script], {
    role: 'test',
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [line] = (await once(process.child.stdout as Readable, 'data')) as [Buffer];
  return { process, said: line.toString().trim() };
}

/** The end of a process, which must have left nothing behind. */
async function endOf(process: ManagedProcess) {
  const end = await process.ended;
  assert.deepEqual(end.survivors, []);
  assert.deepEqual(livingMembersNow(process.pid!), []);
  return end;
}

function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** True when SIGKILL has been sent to the process and not yet taken effect. */
function hasPendingKill(pid: number): boolean {
  const masks = [...readFileSync(`/proc/${pid}/status`, 'latin1').matchAll(/^(?:SigPnd|ShdPnd):\s*(\w+)$/gm)];
  return masks.some(([, mask]) => (BigInt(`0x${mask}`) & (1n << 8n)) !== 0n);
}

/** Pids of the children of this process, zombies included. */
function children(): number[] {
  return readdirSync(`/proc/self/task`)
    .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'latin1').trim().split(' '))
    .filter((pid) => pid !== '')
    .map(Number);
}

describe('ManagedProcess', () => {
  it('tells how a process ended, and the end of what it said', async () => {
    const process = ManagedProcess.start('sh', ['-c', 'echo oops >&2; exit 3'], { role: 'test' });
    assert.deepEqual(await endOf(process), { code: 3, signal: null, stderr: 'oops\n', survivors: [] });
  });

  it('keeps no more than the tail of standard error', async () => {
    const script = 'i=0; while [ $i -lt 5000 ]; do echo line-$i >&2; i=$((i+1)); done';
    const { stderr } = await endOf(ManagedProcess.start('sh', ['-c', script], { role: 'test' }));
    assert.ok(stderr.length <= 8192 && stderr.endsWith('line-4999\n'), stderr.slice(-50));
  });

  it('kills children and grandchildren with the process', async () => {
    const { process } = await startScript('sleep 1000 & sh -c "sleep 1000 & echo ready; wait" & wait');
    const members = livingMembersNow(process.pid!);
    assert.equal(members.length, 4);
    process.kill();
    assert.equal((await endOf(process)).signal, 'SIGKILL');
    assert.deepEqual(members.filter(isAlive), []);
  });

  it('kills a process that is stopped', async () => {
    const { process } = await startScript('sleep 1000 & echo ready; wait');
    globalThis.process.kill(-process.pid!, 'SIGSTOP');
    await process[Symbol.asyncDispose]();
    await endOf(process);
  });

  it('kills a process that ignores every polite signal', async () => {
    const { process } = await startScript("trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done");
    globalThis.process.kill(process.pid!, 'SIGTERM');
    assert.ok(isAlive(process.pid!));
    await process[Symbol.asyncDispose]();
    await endOf(process);
  });

  it('kills in the tick of the abort', async () => {
    const controller = new AbortController();
    const { process } = await startScript('echo ready; exec sleep 1000', controller.signal);
    assert.equal(listeners(controller.signal), 1);
    controller.abort();
    // Without a turn of the event loop: the kernel knows already.
    assert.ok(!isAlive(process.pid!) || hasPendingKill(process.pid!));
    assert.equal((await endOf(process)).signal, 'SIGKILL');
    assert.equal(listeners(controller.signal), 0);
  });

  it('starts nothing on a signal that is aborted', () => {
    const before = children();
    const reason = { no: 'thanks' };
    const signal = AbortSignal.abort(reason);
    let started = false;
    const options = { role: 'test', signal, onStart: () => (started = true) };
    assert.throws(
      () => ManagedProcess.start('sleep', ['1000'], options),
      (thrown) => thrown === reason,
    );
    assert.equal(started, false);
    assert.equal(listeners(signal), 0);
    assert.deepEqual(children(), before);
  });

  it('tells of a command that does not exist through `ended`', async () => {
    const controller = new AbortController();
    const told: string[] = [];
    const process = ManagedProcess.start('/no/such/command', [], {
      role: 'test',
      signal: controller.signal,
      onStart: () => told.push('start'),
      onEnd: () => told.push('end'),
    });
    assert.equal(process.pid, undefined);
    const end = await process.ended;
    assert.equal(end.error?.code, 'ENOENT');
    assert.equal(end.code, null);
    assert.deepEqual(told, ['end']);
    assert.equal(listeners(controller.signal), 0);
    await process[Symbol.asyncDispose]();
  });

  it('kills what a leader leaves behind, though it holds the pipes', async () => {
    const { process, said } = await startScript('sleep 1000 & echo $!');
    const grandchild = Number(said);
    assert.ok(grandchild > 0);
    const end = await endOf(process);
    assert.equal(end.code, 0, 'the leader had ended by itself');
    assert.equal(isAlive(grandchild), false);
  });

  it('kills what has a process group of its own in the session', async () => {
    const { process, said } = await startScript(`exec bash -c 'set -m; sleep 1000 & echo $!; wait'`);
    const grandchild = Number(said);
    assert.notEqual(readStat(grandchild)!.group, process.pid);
    try {
      // It holds the pipes: should it be overlooked, the end would never come.
      await withDeadline(process[Symbol.asyncDispose](), 5000, () => new Error('the process does not end'));
      assert.equal(isAlive(grandchild), false);
    } finally {
      if (isAlive(grandchild)) globalThis.process.kill(grandchild, 'SIGKILL');
    }
  });

  it('is told once of its start and of its end, and may be killed after it', async () => {
    const told: unknown[] = [];
    const process = ManagedProcess.start('true', [], {
      role: 'test',
      onStart: ({ pid }) => told.push(['start', pid]),
      onEnd: ({ pid }, { code }) => told.push(['end', pid, code]),
    });
    await process.ended;
    process.kill();
    await process[Symbol.asyncDispose]();
    const { pid } = process;
    assert.deepEqual(told, [
      ['start', pid],
      ['end', pid, 0],
    ]);
  });

  it('ends all at once with killAllProcesses', async () => {
    const both = await Promise.all([startScript('echo 1; exec sleep 1000'), startScript('echo 2; exec sleep 1000')]);
    killAllProcesses();
    for (const { process } of both) assert.equal((await endOf(process)).signal, 'SIGKILL');
  });

  it('survives a write to a process that is gone', async () => {
    const process = ManagedProcess.start('true', [], { role: 'test', stdio: ['pipe', 'ignore', 'pipe'] });
    process.child.stdin!.write(Buffer.alloc(1 << 20));
    assert.equal((await endOf(process)).code, 0);
  });

  it('leaves nothing behind after 50 cycles', async () => {
    const controller = new AbortController();
    const cycle = async (n: number) => {
      const { process } = await startScript('sleep 1000 & echo ready; wait', controller.signal);
      if (n % 2) process.kill();
      else await process[Symbol.asyncDispose]();
      await endOf(process);
    };
    const held = async () => {
      // Node lets go of the handle of a process at the end of the turn in which it ended.
      await setImmediate();
      await setImmediate();
      return { descriptors: readdirSync('/proc/self/fd').length, resources: process.getActiveResourcesInfo().sort() };
    };
    for (let n = 0; n < 3; n++) await cycle(n);
    const before = await held();
    for (let n = 0; n < 50; n++) await cycle(n);
    assert.deepEqual(await held(), before);
    assert.equal(listeners(controller.signal), 0);
  });
});

describe('runCommand', () => {
  it('returns what the command wrote, whatever its exit code', async () => {
    const { stdout, stderr, code } = await runCommand('sh', ['-c', 'printf out; printf err >&2; exit 5']);
    assert.deepEqual({ stdout, stderr, code }, { stdout: 'out', stderr: 'err', code: 5 });
  });

  it('rejects with the reason itself, when nothing is left', async () => {
    const controller = new AbortController();
    const pids: number[] = [];
    const running = runCommand('sh', ['-c', 'sleep 1000'], {
      signal: controller.signal,
      onStart: ({ pid }) => pids.push(pid!),
    });
    controller.abort('stop');
    assert.equal(await running.catch((reason: unknown) => reason), 'stop');
    assert.deepEqual(pids.filter(isAlive), []);
    assert.equal(listeners(controller.signal), 0);
  });

  it('rejects with the error of `late` at the deadline, when nothing is left', async () => {
    const late = new Error('late');
    const pids: number[] = [];
    const options = { deadlineMs: 10, late: () => late, onStart: ({ pid }: ManagedProcess) => pids.push(pid!) };
    await assert.rejects(runCommand('sleep', ['1000'], options), (error) => error === late);
    assert.equal(pids.length, 1);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('rejects with what a listener throws or rejects with, when nothing is left', async () => {
    const thrown = new Error('my listener is broken');
    const broken = (): never => {
      throw thrown;
    };
    const pids: number[] = [];
    const note = ({ pid }: ManagedProcess) => pids.push(pid!);
    const listeners = [
      { onStart: (process: ManagedProcess) => (note(process), broken()) },
      { onStart: note, onEnd: broken },
      { onStart: (process: ManagedProcess) => (note(process), Promise.reject(thrown)) },
    ];
    for (const [index, each] of listeners.entries()) {
      const seconds = 'onEnd' in each ? '0' : '1000';
      await assert.rejects(runCommand('sleep', [seconds], each), (error) => error === thrown, `${index}`);
    }
    assert.equal(pids.length, 3);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('rejects with the error of the system when there is no such command', async () => {
    await assert.rejects(runCommand('/no/such/command', []), { code: 'ENOENT' });
  });
});
