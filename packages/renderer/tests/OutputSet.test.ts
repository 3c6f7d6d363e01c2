import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OptionsError } from '../src/errors.js';
import { JobScope, type ScopeJob } from '../src/lifecycle/JobScope.js';
import { WorkDirectory } from '../src/lifecycle/WorkDirectory.js';
import { parseRendererOptions } from '../src/options/options.js';
import { FrameHashes } from '../src/outputs/FrameHashes.js';
import { OutputSet } from '../src/outputs/OutputSet.js';
import { PictureFile } from '../src/outputs/PictureFile.js';
import { PictureFolder } from '../src/outputs/PictureFolder.js';
import { Sandbox } from './support/Sandbox.js';

const OPTIONS = parseRendererOptions({ width: 2, height: 2, fps: 30, frameCount: 1 }, 'out.mp4');
const DEADLINE = 10_000;
const NEW = Buffer.from('new');

/** A file that is there already, and beside it a folder that is made for the pictures in it. */
function outputsIn(sandbox: Sandbox) {
  const main = new PictureFile(sandbox.destination('out.png'));
  const folder = new PictureFolder(join(sandbox.root, 'made', 'pictures'));
  return { main, folder, outputs: new OutputSet(main, [folder]) };
}

/** A job that writes both and commits them. `begin` is what happens before the last look at its signal. */
async function deliver(sandbox: Sandbox, job: ScopeJob, begin: (scope: JobScope) => Promise<void>): Promise<void> {
  const { main, folder, outputs } = outputsIn(sandbox);
  await JobScope.run(job, OPTIONS, main.destination, async (scope) => {
    await using directory = await WorkDirectory.create(scope.leftover);
    await using _outputs = outputs.stage(scope, directory);
    await main.write(NEW, DEADLINE);
    await folder.add('one.png', NEW, DEADLINE, { frame: 1 });
    await folder.add('two.png', NEW, DEADLINE, { frame: 2 });
    await outputs.commit(DEADLINE, () => begin(scope));
  });
}

describe('outputs that belong together', () => {
  it('are put in their places as one, once the job has let them', async () => {
    using sandbox = new Sandbox();
    const old = readFileSync(sandbox.destination('out.png'), 'utf8');
    await deliver(sandbox, {}, async (scope) => {
      await scope.enter('commit');
      assert.equal(readFileSync(join(sandbox.root, 'out.png'), 'utf8'), old);
      assert.equal(existsSync(join(sandbox.root, 'made', 'pictures', 'one.png')), false);
    });
    for (const name of ['out.png', 'made/pictures/one.png', 'made/pictures/two.png']) {
      assert.equal(readFileSync(join(sandbox.root, name), 'utf8'), 'new');
    }
    assert.deepEqual(
      sandbox.disk().filter((path) => path.includes('.part-')),
      [],
    );
  });

  it('leave nothing when the job stops before the commit, not even the folder', async () => {
    for (const byUser of [true, false]) {
      using sandbox = new Sandbox();
      const reason = new Error('stop');
      const controller = new AbortController();
      const stopped = deliver(sandbox, { signal: controller.signal }, () => {
        if (!byUser) return Promise.reject(reason);
        // The step itself goes well: the look at the signal is after it.
        controller.abort(reason);
        return Promise.resolve();
      });
      await assert.rejects(stopped, (error) => error === reason);
      sandbox.assertNothingLeft(join(sandbox.root, 'out.png'));
      assert.equal(existsSync(join(sandbox.root, 'made')), false);
    }
  });

  it('are not undone by a stop after the commit', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const { main, outputs } = outputsIn(sandbox);
    await JobScope.run({ signal: controller.signal }, OPTIONS, main.destination, async (scope) => {
      await using directory = await WorkDirectory.create(scope.leftover);
      await using _outputs = outputs.stage(scope, directory);
      await main.write(NEW, DEADLINE);
      await outputs.commit(DEADLINE);
      controller.abort(new Error('too late'));
      assert.equal(scope.signal.aborted, false);
    });
    assert.equal(readFileSync(main.destination, 'utf8'), 'new');
  });

  it('must each have a place of its own, which is told by the names of the options', () => {
    using sandbox = new Sandbox();
    const { destination } = new PictureFile(sandbox.destination('out.mp4'));
    const outputs = new OutputSet(new PictureFile(destination), [new FrameHashes(destination, OPTIONS)]);
    const others = { partialOutput: join(sandbox.root, 'none', 'part.mp4') };
    assert.throws(
      () => outputs.check('data:text/html,', others),
      (error) => {
        assert.ok(error instanceof OptionsError);
        assert.deepEqual(
          error.problems.map((problem) => problem.split(' ')[0]),
          ['frameHashes', 'partialOutput'],
        );
        return true;
      },
    );
  });
});
