import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { allProcesses, endTests } from '../lib/processes.mjs';
import { temporaryFolder, write } from './support.mjs';

const skip = existsSync('/proc/self/stat') ? false : 'there is no /proc';

it('test files that do not end are ended with all that they have started, and named', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const hanging = join(folder, 'hanging.test.mjs');
  write(folder, {
    'passing.test.mjs': '',
    // It hears no signal that it could, and has a child in a group of its own that hears none either.
    'hanging.test.mjs': `
      import { spawn } from 'node:child_process';
      process.on('SIGTERM', () => {});
      const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1000; done'], { detached: true, stdio: 'ignore' });
      setInterval(() => {}, 1000);
      process.stdout.write(\`started \${child.pid}.\\n\`);`,
  });
  // As under any test runner: a runner below another one would speak its language.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const args = ['--test', '--test-reporter=tap', join(folder, 'passing.test.mjs'), hanging];
  const runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  t.after(() => runner.kill('SIGKILL'));
  const ended = once(runner, 'exit');
  let said = '';
  let pid;
  for await (const part of runner.stdout.setEncoding('utf8')) {
    said += part;
    pid = /started (\d+)\./.exec(said)?.[1];
    if (pid !== undefined) break;
  }
  assert.deepEqual(await endTests(runner.pid), [hanging]);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.ok(!allProcesses().some((one) => one.pid === Number(pid)), 'what it had started is gone');
});
