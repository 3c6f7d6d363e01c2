// What waits honours the signal: a store and a trial that do not come to their end.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findHardening } from '../src/lifecycle/hardening.js';
import { RenderChunkStore } from '../src/store/RenderChunkStore.js';
import { Sandbox } from './support/Sandbox.js';

describe('an abort', () => {
  it('ends the keeping of a chunk that the disk does not take, and leaves nothing of it', async () => {
    using sandbox = new Sandbox();
    const store = new RenderChunkStore(sandbox.root);
    const part = join(sandbox.inputs, 'part_0.mp4');
    writeFileSync(part, '');
    // Nothing but holes, and longer to copy than the test could wait.
    truncateSync(part, 2 ** 40);
    const controller = new AbortController();
    const record = { url: 'u', startFrame: 0, frameCount: 1, files: [], seams: {} };
    const left: string[] = [];
    const keeping = store.keep('key', record, { 'chunk.mp4': part }, (path) => left.push(path), controller.signal);
    const chunks = join(sandbox.root, 'chunks');
    while (!existsSync(chunks) || readdirSync(chunks).length === 0) await setImmediate();
    controller.abort('now');
    await assert.rejects(keeping, (reason) => reason === 'now');
    assert.deepEqual(left, []);
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(readdirSync(chunks), []);
  });

  it('ends the trial of what the kernel offers, but not for those who still wait for it', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const waiting = findHardening(controller.signal);
    const other = findHardening();
    controller.abort('now');
    await assert.rejects(waiting, (reason) => reason === 'now');
    assert.ok(await other);
    sandbox.assertNoProcesses();
    const alone = new AbortController();
    alone.abort('before');
    // It is known by now.
    assert.equal(await findHardening(alone.signal), await other);
  });
});
