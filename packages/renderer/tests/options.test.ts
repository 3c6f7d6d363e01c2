import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { OptionsError } from '../src/errors.js';
import {
  distributedSchema,
  parseDistributedOptions,
  parseRendererOptions,
  rendererSchema,
} from '../src/options/options.js';
import { RenderOrchestrator } from '../src/Orchestrator.js';
import { Renderer } from '../src/Renderer.js';
import { checkStill } from '../src/renderStill.js';
import { verifyPage } from '../src/verifyPage.js';

const GOOD = { width: 320, height: 180, fps: 30, frameCount: 10 };

function problems(change: object, output = 'out.mp4'): readonly string[] {
  try {
    parseDistributedOptions({ ...GOOD, ...change }, output);
  } catch (error) {
    assert.ok(error instanceof OptionsError, String(error));
    assert.equal(error.exitCode, 2);
    for (const problem of error.problems) assert.ok(error.message.includes(problem));
    return error.problems;
  }
  assert.fail(`accepted ${JSON.stringify(change)} for ${output}`);
}

/** Asserts one problem, whose sentence holds every one of these words. */
function refuses(change: object, words: string[], output?: string): void {
  const found = problems(change, output);
  assert.equal(found.length, 1, found.join('; '));
  for (const word of words) assert.ok(found[0]!.includes(word), `"${found[0]}" does not name ${word}`);
}

describe('options: one bad value', () => {
  const cases: [change: Record<string, unknown>, ...words: string[]][] = [];
  for (const name of ['width', 'height']) {
    for (const value of [0, -2, 1.5, NaN, Infinity, 1e9]) cases.push([{ [name]: value }, name, String(value)]);
    cases.push([{ [name]: '320' }, name, '"320"'], [{ [name]: null }, name, 'null']);
    cases.push([{ [name]: undefined }, name, 'missing']);
  }
  for (const value of [0, -30, NaN, Infinity, 5000, 'fast', '30/0']) cases.push([{ fps: value }, 'fps', String(value)]);
  cases.push([{ fps: { num: 30, den: 0 } }, 'fps'], [{ fps: undefined }, 'fps', 'missing'], [{ fps: [] }, 'fps', '[]']);
  for (const value of [0, -1, 1.5, NaN, Infinity]) cases.push([{ frameCount: value }, 'frameCount', String(value)]);
  for (const value of [0, -1, NaN, Infinity, 1e6]) {
    cases.push([{ durationInSeconds: value }, 'durationInSeconds', String(value)]);
  }
  for (const value of [-1, 0.5, NaN]) cases.push([{ startFrame: value }, 'startFrame', String(value)]);
  for (const value of [0, -1, 1.5, NaN, Infinity, 65, '2']) {
    cases.push([{ concurrency: value }, 'concurrency', String(value)]);
  }
  for (const value of [0, -1, NaN, Infinity, 9, '2']) cases.push([{ scale: value }, 'scale', String(value)]);
  for (const value of [-1, 52, NaN, Infinity, '18']) cases.push([{ crf: value }, 'crf', String(value)]);
  for (const value of ['fastest', '', 5]) cases.push([{ preset: value }, 'preset', String(value)]);
  for (const value of ['', 'lots', '8 M', '-1M', 800]) {
    cases.push([{ videoBitrate: value }, 'videoBitrate', String(value)]);
  }
  cases.push(
    [{ videoCodec: 'mpeg1' }, 'videoCodec', 'mpeg1', 'h264', 'prores'],
    [{ videoCodec: 'constructor' }, 'videoCodec', 'constructor'],
    [{ pixelFormat: 'rgb24' }, 'pixelFormat', 'rgb24', 'yuv444p'],
    [{ mode: 'magic' }, 'mode', 'magic', 'screenshot'],
    [{ lossless: 'yes' }, 'lossless', 'yes'],
    [{ allowMissingAssets: 1 }, 'allowMissingAssets', '1'],
    [{ inputProps: 'a' }, 'inputProps', '"a"'],
    [{ inputProps: [1] }, 'inputProps', '[1]'],
    [{ randomSeed: 0.5 }, 'randomSeed', '0.5'],
    [{ timeZone: 'Mars/Olympus' }, 'timeZone', 'IANA', 'Mars/Olympus'],
    [{ timeZone: '' }, 'timeZone', '""'],
    [{ timeZone: 1 }, 'timeZone', 'IANA'],
    [{ locale: 'english please' }, 'locale', 'language tag', 'english please'],
    [{ locale: '' }, 'locale', '""'],
    [{ encoderThreads: 0 }, 'encoderThreads', '0'],
    [{ frameHashes: '' }, 'frameHashes'],
    [{ ffmpegPath: '' }, 'ffmpegPath'],
    [{ stabilityTimeout: 0 }, 'stabilityTimeout', '0'],
    [{ deadlines: { capture: -5 } }, 'deadlines.capture', '-5'],
    [{ deadlines: { lunch: 5 } }, 'deadlines.lunch', 'not an option'],
    [{ browserConfig: { args: '--x' } }, 'browserConfig.args', '--x'],
    [{ browserConfig: { path: '/x' } }, 'browserConfig.path', 'not an option'],
    [{ widht: 320 }, 'widht', 'not an option'],
  );
  for (const [change, ...words] of cases) {
    const text = Object.entries(change).map(([key, value]) => `${key} = ${printed(value)}`);
    it(`${text.join(', ')} is refused by name and value`, () => refuses(change, words));
  }
});

function printed(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
}

describe('options that do not go together', () => {
  it('needs a length', () => refuses({ frameCount: undefined }, ['durationInSeconds', 'frameCount', 'missing']));

  it('refuses odd sizes where the colour is halved, and only there', () => {
    refuses({ width: 321 }, ['width', '321', 'odd', 'yuv420p', 'yuv444p']);
    refuses({ height: 181 }, ['height', '181', 'odd']);
    refuses({ width: 321, pixelFormat: 'yuv422p' }, ['width', '321', 'yuv422p']);
    assert.equal(problems({ width: 321, height: 181 }).length, 2);
    for (const fits of [
      { width: 321, height: 181, pixelFormat: 'yuv444p' },
      { height: 181, pixelFormat: 'yuv422p' },
      { width: 321, height: 181, lossless: true },
      { width: 321, height: 181, scale: 2 },
    ]) {
      assert.ok(parseRendererOptions({ ...GOOD, ...fits }, 'out.mp4'));
    }
  });

  it('measures the picture after the scale', () => {
    refuses({ width: 322, scale: 1.5 }, ['width times scale', '483', 'odd']);
    refuses({ width: 16_000, scale: 2 }, ['width times scale', '32000', '16384']);
    const { pixelWidth, pixelHeight } = parseRendererOptions({ ...GOOD, scale: 1.5 }, 'out.mp4');
    assert.deepEqual([pixelWidth, pixelHeight], [480, 270]);
  });

  it('refuses a codec in a container that does not hold it', () => {
    refuses({ videoCodec: 'h264' }, ['videoCodec', 'h264', '.webm', '.mp4'], 'out.webm');
    refuses({ videoCodec: 'prores' }, ['videoCodec', 'prores', '.mp4', '.mov'], 'out.mp4');
    refuses({ videoCodec: 'vp9' }, ['videoCodec', 'vp9', '.mov'], 'out.mov');
  });

  it('refuses an output that is no video', () => {
    for (const output of ['out.avi', 'out', 'mp4', '']) refuses({}, ['output', output, '.mp4', '.webm'], output);
  });

  it('refuses a quality that the codec does not have', () => {
    refuses({ crf: 10, videoCodec: 'prores' }, ['crf', 'prores'], 'out.mov');
    refuses({ preset: 'fast', videoCodec: 'vp9' }, ['preset', 'fast', 'vp9']);
    refuses({ preset: 'fast', videoCodec: 'av1' }, ['preset', 'fast', 'av1', '13']);
    refuses({ crf: 10, videoBitrate: '8M' }, ['crf', 'videoBitrate']);
    assert.equal(parseRendererOptions({ ...GOOD, crf: 63, videoCodec: 'vp9' }, 'out.mp4').crf, 63);
    assert.equal(parseRendererOptions({ ...GOOD, videoBitrate: '8M' }, 'out.mp4').crf, undefined);
  });

  it('lets lossless decide alone', () => {
    refuses({ lossless: true, crf: 1, preset: 'fast' }, ['lossless', 'crf', 'preset']);
    refuses({ lossless: true }, ['lossless', '.mkv', '.mp4'], 'out.mov');
  });

  it('lets fast set the encoder by itself, which is that of H.264', () => {
    refuses({ fast: true, preset: 'slow' }, ['fast', 'preset']);
    refuses({ fast: true, lossless: true }, ['fast', 'lossless']);
    refuses({ fast: true, videoCodec: 'vp9' }, ['fast', 'h264']);
    const { crf, mode } = parseRendererOptions({ ...GOOD, fast: true, crf: 23, mode: 'screenshot' }, 'out.mp4');
    assert.deepEqual([crf, mode], [23, 'screenshot']);
  });

  it('refuses more frames than anybody waits for', () => {
    refuses({ frameCount: undefined, durationInSeconds: 86_400, fps: 1000 }, ['86400000 frames']);
  });
});

describe('options as a whole', () => {
  it('tells every fault at once, in the order of the options', () => {
    const found = problems({ width: 0, height: NaN, fps: 'x', scale: -1, crf: 'low', concurrency: 0, colour: 1 });
    for (const name of ['width', 'height', 'fps', 'scale', 'crf', 'concurrency', 'colour']) {
      assert.equal(found.filter((problem) => problem.startsWith(`${name} `)).length, 1, `${name}: ${found.join('; ')}`);
    }
    assert.equal(found.length, 7);
  });

  it('tells faults between options together', () => {
    const found = problems({ width: 321, height: 181, preset: 'x', crf: 99 }, 'out.avi');
    for (const name of ['width', 'height', 'preset', 'crf', 'output']) {
      assert.ok(
        found.some((problem) => problem.startsWith(name)),
        `${name}: ${found.join('; ')}`,
      );
    }
  });

  it('tells a bad value and a clash in one go', () => {
    const found = problems({ height: 0, videoCodec: 'mpeg1' }, 'out.avi');
    for (const name of ['height', 'videoCodec', 'output']) {
      assert.ok(
        found.some((problem) => problem.startsWith(name)),
        `${name}: ${found.join('; ')}`,
      );
    }
  });

  it('is no object at all', () => {
    for (const options of [undefined, null, 5, 'x', []]) {
      assert.throws(() => parseRendererOptions(options as never, 'out.mp4'), OptionsError);
    }
  });

  it('is checked by the constructor of Renderer, and the output by render', async () => {
    assert.throws(() => new Renderer({ ...GOOD, width: 0 }), OptionsError);
    await assert.rejects(new Renderer(GOOD).render('about:blank', 'out.avi'), OptionsError);
  });

  it('of a still are told by their own names, all of them', () => {
    const { frameCount: _count, ...still } = GOOD;
    checkStill({ ...still, width: 321, frame: 5, mode: 'compositor' });
    const wrong = { ...still, width: 1, frame: -1, mode: 'photograph' as never };
    assert.throws(
      () => checkStill(wrong),
      (error: unknown) =>
        error instanceof OptionsError &&
        error.problems.map((problem) => problem.split(' ')[0]).join() === 'width,frame,mode',
    );
  });

  it('are checked once at each border', async () => {
    const count = async (schema: { safeParse: unknown }, call: () => unknown) => {
      const parse = mock.method(schema as typeof rendererSchema, 'safeParse');
      await Promise.resolve(call()).catch(() => {});
      parse.mock.restore();
      return parse.mock.callCount();
    };
    // The options are right, and the place for the output is refused when they have been checked.
    const render = () => RenderOrchestrator.render('about:blank', 'no/folder/out.mp4', GOOD);
    assert.equal(await count(distributedSchema, render), 1);
    assert.equal(await count(distributedSchema, () => RenderOrchestrator.plan('about:blank', 'out.mp4', GOOD)), 1);
    const chunk = () => new Renderer(GOOD).render('about:blank', 'no/folder/out.mp4');
    assert.equal(await count(rendererSchema, chunk), 1);
    const verification = () => verifyPage('about:blank', { ...GOOD, pictures: 'no/folder/pictures' });
    assert.equal(await count(distributedSchema, verification), 1);
  });

  it('fills in the defaults', () => {
    const { codec, ...rest } = parseRendererOptions(GOOD, '/tmp/OUT.MP4');
    assert.equal(codec.encoder, 'libx264');
    assert.equal(rest.extension, 'mp4');
    assert.deepEqual(
      [
        rest.crf,
        rest.preset,
        rest.pixelFormat,
        rest.scale,
        rest.startFrame,
        rest.lossless,
        rest.randomSeed,
        rest.timeZone,
        rest.locale,
      ],
      [18, undefined, 'yuv420p', 1, 0, false, 0, 'UTC', 'en-US'],
    );
    assert.equal(parseRendererOptions(GOOD, 'out.webm').codec.encoder, 'libvpx-vp9');
    assert.equal(parseRendererOptions({ ...GOOD, videoCodec: 'HEVC' }, 'out.mp4').codec.encoder, 'libx265');
    assert.equal(parseRendererOptions({ ...GOOD, videoCodec: 'libx264' }, 'out.mp4').codec.encoder, 'libx264');
  });

  it('takes stabilityTimeout for deadlines.load, unless that is given', () => {
    const load = (change: object) => parseRendererOptions({ ...GOOD, ...change }, 'out.mp4').deadlines.load;
    assert.equal(load({ stabilityTimeout: 5 }), 5);
    assert.equal(load({ stabilityTimeout: 5, deadlines: { load: 7 } }), 7);
    assert.equal(load({ stabilityTimeout: 5, deadlines: { capture: 7 } }), 5);
  });

  it('does not change the object that it is given', () => {
    const options = Object.freeze({ ...GOOD, fps: 29.97, deadlines: Object.freeze({ load: 5 }) });
    parseDistributedOptions(options, 'out.mp4');
    assert.equal(options.fps, 29.97);
  });
});
