import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeFolder, startCommandLines } from './helpers.js';

const PAGE = `<!doctype html><p id="count" style="font: 40px sans-serif">0</p>
<script type="application/genlock+json">{"width":160,"height":90,"fps":30,"frameCount":8}</script>
<script>
  let frame = 0;
  const step = () => { count.textContent = frame++; requestAnimationFrame(step); };
  requestAnimationFrame(step);
</script>`;

it('--resume goes on from what an earlier run has kept, and `cache` lists and removes it', async () => {
  await using folder = await makeFolder({ 'page.html': PAGE });
  const env = { GENLOCK_CACHE: join(folder.path, 'cache') };
  await using commandLines = startCommandLines({ cwd: folder.path, env });
  const run = (...args: string[]) => commandLines.run(args);
  const render = (...more: string[]) =>
    run('render', 'page.html', '-o', 'o.mp4', '--overwrite', '--chunk-frames', '4', '--resume', ...more);

  const first = await render('--json');
  assert.equal(first.code, 0, first.stderr);
  const listed = JSON.parse((await run('cache', '--json')).stdout) as { chunks: { startFrame: number }[] };
  assert.deepEqual(listed.chunks.map(({ startFrame }) => startFrame).sort(), [0, 4]);
  assert.match((await run('cache', 'list')).stdout, /page\.html {2}frames 4-7\n(.*\n)?2 chunks, /);

  const second = await render();
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /2 of 2 chunks were reused from an earlier render/);

  for (const [args, says] of [
    [[], /nothing to remove was given/],
    [['--older-than', 'soon'], /--older-than must be a time such as 12h/],
    [['--max-size', '5'], /--max-size must be a size such as 500MB/],
  ] as const) {
    const refused = await run('cache', 'prune', ...args);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, says);
  }
  assert.match((await run('cache', 'prune', '--older-than', '1h')).stdout, /^0 chunks/);
  const { chunks: kept } = JSON.parse((await run('cache', '--json')).stdout) as { chunks: { path: string }[] };
  writeFileSync(join(kept[0]!.path, 'chunk.json'), '{');
  assert.match((await run('cache')).stdout, /B {2}damaged: .*\n/);
  assert.match((await run('cache', 'prune', '--older-than', '1h')).stdout, /^1 chunk, /, 'it goes in any case');
  assert.match((await run('cache', 'prune', '--all')).stdout, /^1 chunk, /);
  const noFolder = await run('cache', 'list', '--cache', 'page.html');
  assert.deepEqual([noFolder.code, /page\.html cannot be used: ENOTDIR/.test(noFolder.stderr)], [2, true]);
  assert.match((await run('cache')).stdout, /^0 chunks/);
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name !== 'cache'),
    ['o.mp4', 'page.html'],
  );
});
