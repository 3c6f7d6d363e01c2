import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { readStat } from '../src/lifecycle/processGroup.js';
import { allProcesses } from './support/processes.js';
import { Sandbox } from './support/Sandbox.js';

/** Starts a shell that leads a session of its own and prints pids; returns it and what it printed first. */
async function shell(script: string, ...args: string[]): Promise<{ leader: ChildProcess; pid: number }> {
  const leader = spawn('sh', ['-c', script, 'sh', ...args], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(leader.stdout), 'line')) as [string];
  return { leader, pid: Number(line) };
}

async function end(leader: ChildProcess): Promise<void> {
  leader.stdin?.end();
  leader.stdout?.destroy();
  if (leader.exitCode === null && leader.signalCode === null) await once(leader, 'exit');
}

function started(sandbox: Sandbox, pid: number): void {
  sandbox.watch({ type: 'process', state: 'started', pid, role: 'browser' });
}

/** Asserts that the oracles find what `plant` leaves behind, and nothing once `pull` has removed it. */
async function caught(
  words: RegExp,
  plant: (sandbox: Sandbox, destination: string, signal: AbortSignal) => unknown,
  pull: (planted: never) => unknown = () => {},
): Promise<void> {
  using sandbox = new Sandbox();
  const destination = sandbox.destination('out.mp4');
  const { signal } = new AbortController();
  await setImmediate();
  sandbox.rememberHeld();
  const look = async () => {
    sandbox.assertNothingLeft(destination, signal);
    await sandbox.assertNoLeaks();
  };
  await look();
  const planted = await plant(sandbox, destination, signal);
  try {
    await assert.rejects(look(), words);
  } finally {
    await pull(planted as never);
  }
}

const kill = (pid: number) => process.kill(pid, 'SIGKILL');

describe('the survivor oracle finds', () => {
  it('a stopped process of a group whose leader is gone', () =>
    caught(
      /processes live on[^]*\(T\) sleep 1001/,
      async (sandbox) => {
        const { leader, pid } = await shell('sleep 1001 >&- & echo $!');
        // The shell tells the pid before its child has become another program; a signal takes a moment too.
        while (!allProcesses().some((one) => one.pid === pid && one.args[0] === 'sleep')) await setImmediate();
        process.kill(pid, 'SIGSTOP');
        while (readStat(pid)?.state !== 'T') await setImmediate();
        await end(leader);
        started(sandbox, leader.pid!);
        return pid;
      },
      kill,
    ));

  it('a process of a session of its own that names the sandbox', () =>
    caught(
      /processes live on[^]*sleep 1002/,
      async (sandbox) => {
        const { leader, pid } = await shell(
          `setsid sh -c 'echo $$; exec >&-; sleep 1002; :' "$1" & read end`,
          join(sandbox.root, 'profile'),
        );
        await end(leader);
        return pid;
      },
      (pid) => process.kill(-pid, 'SIGKILL'),
    ));

  it('a process that has left the family, its group and its name, by its having been seen', () =>
    caught(
      /processes live on[^]*sleep 1003/,
      async (sandbox) => {
        const { leader, pid } = await shell(`setsid sh -c 'echo $$; exec sleep 1003 >&-' & read end`);
        sandbox.look();
        await end(leader);
        assert.notEqual(readStat(pid)!.parent, process.pid);
        return pid;
      },
      kill,
    ));

  it('a child that no event has told of', () =>
    caught(
      /processes live on[^]*sleep 1004/,
      () => spawn('sleep', ['1004'], { detached: true, stdio: 'ignore' }),
      async (child: ChildProcess) => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      },
    ));

  it('a zombie, and tells it from a process', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    const child = spawn('true', { stdio: 'ignore' });
    // As long as this turn lasts, nobody waits for the child.
    while (readStat(child.pid!)?.state !== 'Z');
    assert.deepEqual(sandbox.survivors(), []);
    assert.throws(() => sandbox.assertNothingLeft(destination), /zombies were left[^]*is a zombie/);
    await once(child, 'exit');
    sandbox.assertNothingLeft(destination);
  });
});

describe('the disk oracle finds', () => {
  it('a file in TMPDIR', () =>
    caught(/files were left/, () => writeFileSync(join(process.env['TMPDIR']!, 'left'), '')));

  it('a file beside the destination', () =>
    caught(/files were left/, (_, destination) => writeFileSync(`${destination}.part`, '')));

  it('a destination with other bytes', () =>
    caught(/files were touched/, (_, destination) => writeFileSync(destination, 'a part')));

  it('a destination with the same bytes, written again', () =>
    caught(/files were touched/, (_, destination) => writeFileSync(destination, readFileSync(destination))));
});

describe('the leak oracle finds', () => {
  it('a listener on the signal', () =>
    caught(/listeners were left on the signal/, (_sandbox, _destination, signal) => {
      signal.addEventListener('abort', () => {});
    }));

  it('a listener on the process', () => {
    const listener = () => {};
    return caught(
      /still held[^]*SIGUSR2/,
      () => process.on('SIGUSR2', listener),
      () => process.off('SIGUSR2', listener),
    );
  });

  it('a timer', () => caught(/still held[^]*Timeout/, () => setTimeout(() => {}, 60_000), clearTimeout));

  it('a file descriptor', () =>
    caught(
      /still held[^]*oracles\.test/,
      () => openSync(import.meta.filename, 'r'),
      (descriptor: number) => closeSync(descriptor),
    ));

  it('a warning', () =>
    caught(/complained[^]*planted/, async () => {
      process.emitWarning('planted');
      await setImmediate();
    }));

  it('a rejection that nobody handles', async () => {
    // The test runner takes one for a failure of its test.
    const runner = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    try {
      await caught(/complained[^]*planted/, async () => {
        void Promise.reject(new Error('planted'));
        await setImmediate();
      });
    } finally {
      for (const listener of runner) process.on('unhandledRejection', listener);
    }
  });
});
