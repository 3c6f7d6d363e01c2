import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { REPOSITORY } from '../../renderer/tests/support/repository.js';
import { makeFolder } from './helpers.js';

const run = promisify(execFile);

test('the tarballs of npm pack install in an empty folder and render there', async () => {
  await using tarballs = await makeFolder();
  await using app = await makeFolder({ 'package.json': '{"private":true}', 'page.html': '<h1>Hello</h1>' });
  const workspaces = ['-w', 'packages/renderer', '-w', 'packages/cli'];
  await run('npm', ['pack', ...workspaces, '--pack-destination', tarballs.path], { cwd: REPOSITORY });
  const files = (await readdir(tarballs.path)).map((name) => join(tarballs.path, name));
  assert.equal(files.length, 2);
  await run('npm', ['install', '--no-audit', '--no-fund', ...files], { cwd: app.path });
  await writeFile(
    join(app.path, 'use.mjs'),
    "import { RenderOrchestrator } from '@genlock/renderer'; console.log(typeof RenderOrchestrator.render);",
  );
  assert.equal((await run('node', ['use.mjs'], { cwd: app.path })).stdout, 'function\n');
  const kit = "import { checkExecutor } from '@genlock/renderer/testing'; console.log(typeof checkExecutor);";
  assert.equal((await run('node', ['--input-type=module', '-e', kit], { cwd: app.path })).stdout, 'function\n');
  const flags = ['--width', '64', '--height', '64', '--fps', '25', '--duration', '1'];
  await run('npx', ['genlock', 'render', 'page.html', '-o', 'out.mp4', ...flags], { cwd: app.path });
  assert.ok((await stat(join(app.path, 'out.mp4'))).size > 0);
});
