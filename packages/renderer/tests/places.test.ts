import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  GenlockError,
  OptionsError,
  Renderer,
  RenderOrchestrator,
  renderStill,
  verifyPage,
  type RenderEvent,
  type RenderExecutor,
} from '../src/index.js';
import { guardiansIn } from './support/ChildHost.js';
import { ReadOnlyFolder } from './support/ReadOnlyFolder.js';
import { eventsOf } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { decodedHashes } from './support/video.js';

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const RANGE = { width: 64, height: 36, fps: 30, frameCount: 4 };
const GOOD = { ...RANGE, concurrency: 1 };
const page = sandbox.page('<p>never opened');
const at = (...names: string[]) => join(sandbox.root, ...names);

/** Renders without a browser. It must not be called where a file has no place. */
const copying: RenderExecutor = {
  render: (_url, path, { frameHashes }) => {
    if (!existsSync(encoded)) {
      const source = ['-f', 'lavfi', '-i', 'color=red:size=64x36:rate=30', '-frames:v', '4', '-c:v', 'libx264'];
      execFileSync('ffmpeg', ['-loglevel', 'error', ...source, encoded]);
    }
    copyFileSync(encoded, path);
    if (frameHashes !== undefined) writeFileSync(frameHashes, 'new hashes\n');
    return Promise.resolve();
  },
};
const encoded = join(sandbox.inputs, 'encoded.mkv');
const never: RenderExecutor = { render: () => assert.fail('it is rendered') };

/** What a request is refused with, before a process is started; everything stays as it was. */
async function refusal(call: (onEvent: (event: RenderEvent) => void) => Promise<unknown>): Promise<GenlockError> {
  const events: RenderEvent[] = [];
  const before = sandbox.disk();
  const [outcome] = await Promise.allSettled([call((event) => events.push(event))]);
  assert.ok(outcome.status === 'rejected', 'it was done');
  assert.deepEqual(eventsOf(events, 'process'), [], 'a process was started');
  assert.deepEqual(guardiansIn(sandbox), []);
  assert.deepEqual(sandbox.disk(), before, 'something was left, or touched');
  assert.ok(outcome.reason instanceof GenlockError, String(outcome.reason));
  assert.equal(outcome.reason.exitCode, 2);
  return outcome.reason;
}

const odd = (...names: string[]) => join(sandbox.inputs, ...names);
mkdirSync(odd('folder.mp4', 'full'), { recursive: true });
writeFileSync(odd('file'), 'a file');
execFileSync('mkfifo', [odd('pipe.mp4')]);
symlinkSync('loop', odd('loop'));
symlinkSync(sandbox.root, odd('here'));

const FAULTS: [fault: string, path: string, says: RegExp][] = [
  ['in a folder that is not there', at('none/of/it/out.mp4'), /there is no folder .*\/of\/it/],
  ['that is a folder', odd('folder.mp4'), /folder\.mp4 is a folder/],
  ['below a file', odd('file/out.mp4'), /\/file is not a folder/],
  ['far below a file', odd('file/x/out.mp4'), /cannot be written/],
  ['that is a pipe', odd('pipe.mp4'), /exists and is not a file/],
  ['that is a device', '/dev/full', /exists and is not a file/],
  ['below a link to itself', odd('loop/out.mp4'), /cannot be written/],
  ['in /proc', '/proc/out.mp4', /cannot be written/],
  ['in /proc, deeper', '/proc/genlock/out.mp4', /there is no folder/],
  ['of 256 characters', at(`${'x'.repeat(252)}.mp4`), /its name is too long/],
  ['of 150 characters of two bytes', at(`${'ü'.repeat(150)}.mp4`), /its name is too long/],
];

describe('a file that has no place', () => {
  for (const [fault, path, says] of FAULTS) {
    it(`${fault} is refused before anything is started`, async () => {
      const output = /\.mp4$/.test(path) ? path : undefined;
      const options = { ...GOOD, executor: never };
      if (output) {
        const refused = await refusal((onEvent) => RenderOrchestrator.render(page, path, options, { onEvent }));
        assert.match(refused.message, says);
        assert.match((await refusal((onEvent) => new Renderer(RANGE).render(page, path, { onEvent }))).message, says);
        const partial = { ...options, partialOutput: path };
        const kept = await refusal((onEvent) => RenderOrchestrator.render(page, at('out.mp4'), partial, { onEvent }));
        assert.match(kept.message, says);
      }
      const hashes = { ...options, frameHashes: path };
      const refused = await refusal((onEvent) => RenderOrchestrator.render(page, at('out.mp4'), hashes, { onEvent }));
      assert.match(refused.message, says);
      const still = { width: 64, height: 36, fps: 30, frame: 0 };
      assert.match((await refusal((onEvent) => renderStill(page, path, still, { onEvent }))).message, says);
    });
  }

  it('is refused for every file at once, by the names of the options', async () => {
    const options = { ...GOOD, executor: never, frameHashes: at('none/hashes'), partialOutput: at('none/part.mp4') };
    const error = await refusal(() => RenderOrchestrator.render(page, at('none/out.mp4'), options));
    assert.ok(error instanceof OptionsError);
    assert.deepEqual(
      error.problems.map((problem) => problem.split(' ')[0]),
      ['output', 'frameHashes', 'partialOutput'],
    );
  });

  it('on a disk for reading alone is refused', async (test) => {
    const folder = join(sandbox.inputs, 'closed');
    mkdirSync(folder);
    using readOnly = ReadOnlyFolder.mount(folder);
    if (!readOnly) {
      test.skip('needs root');
      return;
    }
    const options = { ...GOOD, executor: never };
    const error = await refusal(() => RenderOrchestrator.render(page, join(folder, 'out.mp4'), options));
    assert.match(error.message, /closed is on a read-only disk/);
    const verify = { ...GOOD, pictures: join(folder, 'made/of/it') };
    assert.match((await refusal(() => verifyPage(page, verify))).message, /read-only disk/);
  });

  it('that is mounted there by itself is refused: nothing can be put in its place', async (test) => {
    const mounted = join(sandbox.inputs, 'mounted here.mp4');
    writeFileSync(mounted, 'old');
    using mount = ReadOnlyFolder.mount(mounted);
    if (!mount) {
      test.skip('needs root');
      return;
    }
    const error = await refusal(() => RenderOrchestrator.render(page, mounted, { ...GOOD, executor: never }));
    assert.match(error.message, /is a mount point/);
  });

  it('is refused where it is another one of the request, by whatever way, or the page', async () => {
    const options = { ...GOOD, executor: never };
    const same = { ...options, frameHashes: odd('here/out.mp4') };
    const error = await refusal(() => RenderOrchestrator.render(page, at('out.mp4'), same));
    assert.match(error.message, /^frameHashes .*here\/out\.mp4 is the same file as the output$/);
    const over = { ...options, frameHashes: fileURLToPath(page) };
    assert.match((await refusal(() => RenderOrchestrator.render(page, at('out.mp4'), over))).message, /as the page$/);
  });

  it('is no folder for pictures, in which a file is in the way', async () => {
    for (const pictures of [odd('file'), odd('file/x/y'), '/dev/null/x']) {
      assert.match(
        (await refusal(() => verifyPage(page, { ...GOOD, pictures }))).message,
        /^pictures .* cannot be created/,
      );
    }
  });

  it('touches nothing when the signal is aborted already', async () => {
    const reason = new Error('no');
    const signal = AbortSignal.abort(reason);
    const render = RenderOrchestrator.render(page, at('none/out.mp4'), { ...GOOD, executor: never }, { signal });
    await assert.rejects(render, (error) => error === reason);
  });
});

describe('the files of a render', () => {
  const places = () => {
    const [output, frameHashes] = [sandbox.destination('set.mkv'), sandbox.destination('set.hashes')];
    return { output, frameHashes, options: { ...GOOD, executor: copying, frameHashes } };
  };

  it('come together', async () => {
    const { output, frameHashes, options } = places();
    await RenderOrchestrator.render(page, output, options);
    assert.equal(readFileSync(frameHashes, 'utf8'), 'new hashes\n');
    assert.ok(readFileSync(output).equals(readFileSync(encoded)));
    for (const path of [output, frameHashes]) rmSync(path);
  });

  for (const had of [true, false]) {
    it(`stay as they were when the last one cannot be put in place${had ? '' : ', where there was none'}`, async () => {
      const { output, frameHashes, options } = places();
      if (!had) rmSync(frameHashes);
      const before = had ? sandbox.disk().filter((line) => line.startsWith('set.hashes')) : [];
      const at = ({ phase }: { phase: string }) => {
        if (phase !== 'commit') return;
        rmSync(output);
        mkdirSync(join(output, 'in the way'), { recursive: true });
      };
      await assert.rejects(RenderOrchestrator.render(page, output, options, { hooks: { at } }), { code: 'EISDIR' });
      // Its time of change is not compared: it has had a second name meanwhile.
      assert.deepEqual(
        sandbox.disk().filter((line) => line.startsWith('set.hashes')),
        before,
      );
      rmSync(output, { recursive: true });
      rmSync(frameHashes, { force: true });
      assert.deepEqual(
        readdirSync(sandbox.root).filter((name) => name.includes('.part-')),
        [],
      );
    });
  }
});

describe('paths', () => {
  it('mean what they meant at the start: long, relative, with a newline, and this process goes elsewhere', async () => {
    const name = `${'x'.repeat(240)}.mkv`;
    assert.equal(name.length, 244);
    const before = process.cwd();
    const temporary = 'temporary\nfolder';
    mkdirSync(at(temporary));
    process.env['TMPDIR'] = temporary;
    process.chdir(sandbox.root);
    const hashes = `${'h'.repeat(245)}.txt`;
    const partialOutput = 'part.mkv';
    const options = { ...GOOD, chunkFrames: 2, frameHashes: hashes, partialOutput, lossless: true, minFreeDiskMB: 1 };
    try {
      const counting = sandbox.page(
        '<p id=p></p><script>let n=0;(function f(){p.textContent=n++;requestAnimationFrame(f)})()</script>',
      );
      const render = RenderOrchestrator.render(counting, name, options, {
        onEvent: ({ type }) => {
          if (type === 'frame') process.chdir(sandbox.inputs);
        },
      });
      process.chdir('/');
      const { outputPath } = await render;
      assert.equal(outputPath, at(name));
      const lines = readFileSync(at(hashes), 'utf8').trim().split('\n');
      assert.deepEqual(
        lines.map((line) => line.split(' ')[1]),
        await decodedHashes(outputPath),
      );
      assert.deepEqual(readdirSync(at(temporary)), []);
      for (const made of [name, hashes]) rmSync(at(made));
      assert.ok(!readdirSync('/').includes(basename(temporary)));
    } finally {
      process.chdir(before);
      process.env['TMPDIR'] = sandbox.root;
    }
  });

  it('of a folder for temporary files that is not there: it is said what to do', async () => {
    process.env['TMPDIR'] = at('none');
    try {
      const error = await refusal(() => RenderOrchestrator.render(page, at('out.mp4'), { ...GOOD, executor: never }));
      assert.match(error.message, /no folder for temporary files can be created in .*none \(ENOENT\): set TMPDIR to/);
    } finally {
      process.env['TMPDIR'] = sandbox.root;
    }
  });
});
