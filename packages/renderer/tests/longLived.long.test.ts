import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { runCommand } from '../src/lifecycle/runCommand.js';
import type { LongLife } from './support/longLivedHost.js';
import { Sandbox } from './support/Sandbox.js';

const HOST = join(import.meta.dirname, 'support/longLivedHost.ts');
const MINUTE = 60_000;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

it('200 cancels and 20 completed renders in one process leave nothing and take no more memory', async () => {
  using sandbox = new Sandbox();
  const args = ['--expose-gc', '--import', 'tsx', HOST, sandbox.root];
  // Its own helper keeps files in TMPDIR, which are none of the renders'.
  const { code, stdout, stderr } = await runCommand(process.execPath, args, { deadlineMs: 50 * MINUTE });
  assert.equal(code, 0, stderr);
  const { cancelled, completed, memory, problems } = JSON.parse(stdout) as LongLife;
  assert.deepEqual(problems, []);
  assert.deepEqual([cancelled, completed], [200, 20]);
  assert.deepEqual(
    readdirSync(sandbox.root).filter((name) => name.startsWith('genlock-') || name.includes('.part-')),
    [],
  );
  const tenth = Math.floor(memory.length / 10);
  const [early, late] = [median(memory.slice(tenth, 2 * tenth)), median(memory.slice(-tenth))];
  const megabytes = [early, late].map((bytes) => (bytes / 1e6).toFixed(1));
  console.log(`resident memory: ${megabytes[0]} MB in the second tenth, ${megabytes[1]} MB in the last`);
  assert.ok(late <= early * 1.1, `resident memory grew from ${megabytes[0]} to ${megabytes[1]} MB`);
});
