import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
const PICTURE = Buffer.from('a picture');

/** A folder that is made for the pictures in it, and beside it a file that is there already. */
function outputsIn(sandbox: Sandbox) {
  const hashes = new FrameHashes(sandbox.destination('out.hashes'), OPTIONS);
  const outputs = new OutputSet(new PictureFolder(join(sandbox.root, 'made', 'pictures')), [hashes]);
  return { hashes, outputs };
}

/** A job that writes all of it and commits it. `begin` is what happens before the last look at its signal. */
async function deliver(
  sandbox: Sandbox,
  job: ScopeJob,
  begin: (scope: JobScope) => Promise<void>,
  after: (scope: JobScope) => void = () => {},
): Promise<void> {
  const { hashes, outputs } = outputsIn(sandbox);
  await JobScope.run(job, OPTIONS, hashes.destination, async (scope) => {
    await using directory = await WorkDirectory.create(scope.leftover);
    await using _outputs = outputs.stage(scope, directory);
    await outputs.main.add('one.png', PICTURE, DEADLINE, { frame: 1 });
    await outputs.main.add('two.png', PICTURE, DEADLINE, { frame: 2 });
    writeFileSync(hashes.captured, '#format\n0, 0, 0, 1, 16, abc\n');
    await hashes.finish();
    await outputs.commit(DEADLINE, () => begin(scope));
    after(scope);
  });
}

describe('outputs that belong together', () => {
  it('are put in their places as one, once the job has let them', async () => {
    using sandbox = new Sandbox();
    const place = (name: string) => join(sandbox.root, name);
    const pictures = ['made/pictures/one.png', 'made/pictures/two.png'];
    await deliver(sandbox, {}, async (scope) => {
      await scope.enter('commit');
      assert.notEqual(readFileSync(place('out.hashes'), 'utf8'), '0 abc\n');
      for (const name of pictures) assert.equal(existsSync(place(name)), false);
    });
    assert.equal(readFileSync(place('out.hashes'), 'utf8'), '0 abc\n');
    for (const name of pictures) assert.deepEqual(readFileSync(place(name)), PICTURE);
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
      sandbox.assertNothingLeft(join(sandbox.root, 'out.hashes'));
      assert.equal(existsSync(join(sandbox.root, 'made')), false);
    }
  });

  it('are not undone by a stop after the commit', async () => {
    using sandbox = new Sandbox();
    const controller = new AbortController();
    const begin = () => Promise.resolve();
    await deliver(sandbox, { signal: controller.signal }, begin, (scope) => {
      controller.abort(new Error('too late'));
      assert.equal(scope.signal.aborted, false);
    });
    assert.equal(readFileSync(join(sandbox.root, 'out.hashes'), 'utf8'), '0 abc\n');
  });

  it('must each have a place of its own, which is told by the names of the options', () => {
    using sandbox = new Sandbox();
    const place = sandbox.destination('out.png');
    const outputs = new OutputSet(new PictureFile(place), [new FrameHashes(place, OPTIONS)]);
    const others = { partialOutput: join(sandbox.root, 'none', 'part.mp4') };
    const told = (error: unknown) => {
      assert.ok(error instanceof OptionsError);
      const names = error.problems.map((problem) => problem.split(' ')[0]);
      assert.deepEqual(names, ['frameHashes', 'partialOutput']);
      return true;
    };
    assert.throws(() => outputs.check('data:text/html,', others), told);
  });
});
