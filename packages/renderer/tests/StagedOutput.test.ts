import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { StallError } from '../src/errors.js';
import { StagedOutput } from '../src/lifecycle/StagedOutput.js';
import { Sandbox } from './support/Sandbox.js';

describe('StagedOutput', () => {
  it('puts the whole file in place of the old one', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    {
      await using output = new StagedOutput(destination);
      assert.equal(dirname(output.path), sandbox.root, 'it is staged on the same file system');
      writeFileSync(output.path, 'new');
      assert.notEqual(readFileSync(destination, 'utf8'), 'new');
      await output.flush(10_000, {});
      output.commit();
    }
    assert.equal(readFileSync(destination, 'utf8'), 'new');
    assert.deepEqual(sandbox.files(), ['out.mp4']);
  });

  it('writes where nothing was', async () => {
    using sandbox = new Sandbox();
    await using output = new StagedOutput(join(sandbox.root, 'fresh.mp4'));
    writeFileSync(output.path, 'new');
    await output.flush(10_000, {});
    output.commit();
    assert.equal(readFileSync(join(sandbox.root, 'fresh.mp4'), 'utf8'), 'new');
  });

  it('leaves the old file and nothing else without a commit', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    {
      await using output = new StagedOutput(destination);
      writeFileSync(output.path, 'a part');
    }
    sandbox.assertNothingLeft(destination);
  });

  it('refuses to commit what was never written', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    {
      await using output = new StagedOutput(destination);
      await assert.rejects(output.flush(10_000, {}), { code: 'ENOENT' });
      assert.throws(() => output.commit(), { code: 'ENOENT' });
    }
    sandbox.assertNothingLeft(destination);
  });

  it('keeps the old file where the rename fails', async () => {
    using sandbox = new Sandbox();
    const destination = join(sandbox.root, 'folder');
    mkdirSync(join(destination, 'not empty'), { recursive: true });
    {
      await using output = new StagedOutput(destination);
      writeFileSync(output.path, 'new');
      assert.throws(() => output.commit());
    }
    assert.deepEqual(sandbox.files(), ['folder']);
    assert.deepEqual(readdirSync(destination), ['not empty']);
  });

  it('does not wait for the disk any more once its signal aborts', async () => {
    using sandbox = new Sandbox();
    const destination = sandbox.destination('out.mp4');
    for (const early of [true, false]) {
      const controller = new AbortController();
      await using output = new StagedOutput(destination);
      // A disk that does not answer: to open a pipe takes until somebody writes into it.
      execFileSync('mkfifo', [output.path]);
      if (early) controller.abort('before');
      const flushing = output.flush(600_000, {}, controller.signal);
      if (!early) controller.abort('now');
      await assert.rejects(flushing, (reason) => reason === (early ? 'before' : 'now'));
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
      closeSync(openSync(output.path, 'r+'));
    }
    sandbox.assertNothingLeft(destination);
  });

  it('takes a disk that does not answer for a stall', async () => {
    using sandbox = new Sandbox();
    await using output = new StagedOutput(join(sandbox.root, 'out.mp4'));
    execFileSync('mkfifo', [output.path]);
    await assert.rejects(output.flush(50, { phase: 'commit' }), StallError);
    closeSync(openSync(output.path, 'r+'));
  });

  it('has a staging path of its own each time', () => {
    const paths = Array.from({ length: 20 }, () => new StagedOutput('/x/out.mp4').path);
    assert.equal(new Set(paths).size, 20);
  });
});
