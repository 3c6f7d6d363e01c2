import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'node:test';

// TypeScript or compiled, as this file is.
const stuck = join(import.meta.dirname, `stuckStop${extname(import.meta.filename)}`);

const PATIENCE_MS = 5000;

/** Starts a command whose stop never ends, and waits until it listens. */
async function start() {
  const child = spawn(process.execPath, [...process.execArgv, stuck], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const pid = Number((await next()).replace('sleeping ', ''));
  return { child, next, pid };
}

/** Whether a process runs. One that nobody has waited for yet does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('clause 14: signals', () => {
  for (const [first, second, code] of [
    ['SIGINT', 'SIGINT', 130],
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
    ['SIGHUP', 'SIGHUP', 129],
  ] as const) {
    it(`${first} aborts; ${second} after it kills everything at once`, async () => {
      const { child, next, pid } = await start();
      child.kill(first);
      assert.equal(await next(), `aborted by ${first}`);
      // The same signal within a tenth of a second is taken for npx's echo of the first.
      await delay(150);
      child.kill(second);
      assert.equal(await next(), 'restored');
      const [exitCode] = (await once(child, 'exit')) as [number | null];
      assert.equal(exitCode, code);
      // It was killed before the exit: a busy machine needs a moment to end it, and tells nobody who is not its parent.
      const end = performance.now() + PATIENCE_MS;
      while (isAlive(pid) && performance.now() < end) await delay(5);
      assert.ok(!isAlive(pid), 'its process lives on');
    });
  }

  it('the echo of a signal is not a second one', async () => {
    const { child, next } = await start();
    child.kill('SIGINT');
    assert.equal(await next(), 'aborted by SIGINT');
    child.kill('SIGINT');
    await delay(100);
    assert.equal(child.exitCode, null);
    child.kill('SIGINT');
    await once(child, 'exit');
  });
});
