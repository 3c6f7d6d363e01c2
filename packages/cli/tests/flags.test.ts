import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { InputError, OptionsError, PageError, RenderOrchestrator } from '@genlock/renderer';
import { DEADLINES } from '@genlock/renderer/internal';
import { z } from 'zod';
import { CODECS } from '../../renderer/src/ffmpeg/codecs.js';
import { distributedSchema } from '../../renderer/src/options/schema.js';
import { optionsFromFlags, parseDeadlines, parseFrameNumber, parseFrameRange, parseTimeout } from '../src/flags.js';
import { errorRecord, jsonLine } from '../src/json.js';
import { errorText, printable, withFlagNames } from '../src/messages.js';
import { OPTION_FLAGS } from '../src/optionFlags.js';
import { createProgram, type Actions } from '../src/program.js';
import { readProps } from '../src/props.js';
import { renderSettings, type Request } from '../src/settings.js';
import { makeFolder } from './helpers.js';

function request(given: Partial<Request> = {}): Request {
  const composition = { url: 'p', width: 64, height: 48, fps: '30', durationInSeconds: 2, frameCount: 50 };
  return { given: {}, composition, props: undefined, output: 'o.mp4', problems: [], inputError: undefined, ...given };
}

describe('flags', () => {
  it('become the options of the library, and nothing that was not given', () => {
    assert.deepEqual(optionsFromFlags({ beginFrame: true }), {});
    assert.deepEqual(
      optionsFromFlags({
        width: '640',
        fps: '30000/1001',
        duration: '1.5',
        crf: '0',
        codec: 'vp9',
        bitrate: '8M',
        lossless: true,
        browser: '/b',
        browserArg: ['--x', '--y'],
        beginFrame: false,
        timeout: '2.5',
        deadline: ['load=2500ms', 'capture=1m'],
        retries: '2',
        ignoreHttpsErrors: true,
        allowDotfiles: true,
        maxMemory: '800',
        minFreeDisk: '500',
        seed: '-3',
        timeZone: 'Europe/Berlin',
        locale: 'de',
      }),
      {
        width: 640,
        fps: '30000/1001',
        durationInSeconds: 1.5,
        crf: 0,
        videoCodec: 'vp9',
        videoBitrate: '8M',
        lossless: true,
        browserConfig: { executablePath: '/b', args: ['--x', '--y'], beginFrameControl: false },
        timeoutMs: 2500,
        deadlines: { load: 2500, capture: 60_000 },
        retries: 2,
        ignoreHttpsErrors: true,
        maxMemoryMB: 800,
        minFreeDiskMB: 500,
        randomSeed: -3,
        timeZone: 'Europe/Berlin',
        locale: 'de',
      },
    );
  });

  it('are there for every option that has one, and name every value that a choice has', () => {
    const { commands } = createProgram('1', {} as Actions);
    const all = commands.flatMap(({ options }) => options.map(({ flags }) => flags));
    const inRender = commands.find((command) => command.name() === 'render')!.options.map(({ flags }) => flags);
    const choices: Record<string, readonly string[]> = { videoCodec: Object.keys(CODECS), deadlines: DEADLINES };
    for (const [name, schema] of Object.entries(distributedSchema.shape)) {
      const type = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
      if (type instanceof z.ZodEnum) choices[name] = type.options.map(String);
    }
    for (const [name, entry] of Object.entries(OPTION_FLAGS)) {
      if (!('flag' in entry)) continue;
      assert.ok((name in distributedSchema.shape ? inRender : all).includes(entry.flag), entry.flag);
      for (const choice of choices[name] ?? []) assert.match(entry.help, new RegExp(`\\b${choice}\\b`), entry.flag);
    }
    assert.deepEqual(Object.keys(choices).sort(), ['deadlines', 'entry', 'mode', 'seams', 'videoCodec', 'webgl']);
  });

  it('pass on what is no number, for the schema to refuse', () => {
    for (const text of ['12px', 'NaN', 'Infinity', '0x10', '', '1 2', '1,5']) {
      assert.equal(optionsFromFlags({ width: text }).width, text);
    }
  });

  it('read ranges, frames and seconds', () => {
    assert.deepEqual(parseFrameRange('3-7'), { first: 3, last: 7 });
    assert.deepEqual(parseFrameRange('5'), { first: 5, last: 5 });
    for (const text of ['7-3', '-3', '3-', 'a-b', '1.5-2', '1-2-3', ''])
      assert.equal(typeof parseFrameRange(text), 'string');
    assert.equal(parseFrameNumber('12'), 12);
    for (const text of ['-1', '1.5', 'x', undefined]) assert.equal(typeof parseFrameNumber(text), 'string');
  });

  it('read times: seconds, or with their unit', () => {
    const times = { '0.25': 250, '1s': 1000, '500ms': 500, '1.5 m': 90_000, '24h': 86_400_000, ' 3 ': 3000 };
    for (const [text, milliseconds] of Object.entries(times)) assert.equal(parseTimeout(text), milliseconds, text);
    for (const text of ['0', '-1', '25h', '1d', 's', '', 'Infinity', '1e3']) {
      assert.match(String(parseTimeout(text)), /^--timeout must be a time .*500ms.*\(given: /, text);
    }
    assert.equal(parseTimeout(undefined), undefined);
    assert.deepEqual(parseDeadlines(['load=5', 'load = 300ms', 'concat=1h']), { load: 300, concat: 3_600_000 });
    assert.equal(parseDeadlines(undefined), undefined);
    for (const text of ['load', 'load=', 'load=x', 'load=0', '=5', 'LOAD=5', 'mix=5']) {
      const fault = parseDeadlines([text]);
      assert.ok(typeof fault === 'string' && fault.startsWith('--deadline '), text);
    }
  });
});

describe('settings', () => {
  it('take the length that the page declares, in frames before seconds', () => {
    assert.equal(renderSettings(request(), 'u', undefined).plan.frameCount, 50);
  });

  it('let a flag override what the page declares', () => {
    const { plan } = renderSettings(request({ given: { durationInSeconds: 1, width: 32 } }), 'u', undefined);
    assert.equal(plan.frameCount, 30);
    assert.equal(plan.width, 32);
    assert.equal(plan.height, 48);
  });

  it('render a range of the composition', () => {
    const { plan, options } = renderSettings(request(), 'u', '10-49');
    assert.equal(plan.startFrame, 10);
    assert.equal(plan.frameCount, 40);
    assert.equal(options.durationInSeconds, undefined);
    assert.throws(() => renderSettings(request(), 'u', '10-50'), /frames 10-50, but the composition has 50: 0 to 49/);
  });

  it('are checked once', () => {
    const plan = mock.method(RenderOrchestrator, 'plan');
    renderSettings(request(), 'u', undefined);
    assert.equal(plan.mock.callCount(), 1);
    renderSettings(request(), 'u', '10-49');
    assert.equal(plan.mock.callCount(), 2);
    plan.mock.restore();
  });

  it('need no length where a range is given', () => {
    const composition = { url: 'p', width: 64, height: 48, fps: 30 };
    assert.equal(renderSettings(request({ composition }), 'u', '0-9').plan.frameCount, 10);
    assert.throws(
      () => renderSettings(request({ composition }), 'u', undefined),
      /duration is missing: give --duration/,
    );
  });

  it('lay the given props over the declared ones', () => {
    const composition = { url: 'p', width: 64, height: 48, fps: 30, frameCount: 1, props: { a: 1, b: 1 } };
    const { options } = renderSettings(request({ composition, props: { b: 2 } }), 'u', undefined);
    assert.deepEqual(options.inputProps, { a: 1, b: 2 });
  });

  it('tell every fault, those from before too', () => {
    const faulty = request({ given: { width: 63, crf: 99, concurrency: 2 }, problems: ['earlier'] });
    assert.throws(
      () => renderSettings(faulty, 'u', '99-100'),
      (error: unknown) =>
        error instanceof OptionsError && error.problems[0] === 'earlier' && error.problems.length === 3,
    );
  });

  it('keep the error of the page when it is the only one', () => {
    const inputError = new InputError('gone');
    assert.throws(
      () => renderSettings(request({ composition: undefined, problems: ['gone'], inputError }), 'u', undefined),
      (error: unknown) => error === inputError,
    );
  });
});

describe('messages', () => {
  it('name the flags that people typed', () => {
    assert.equal(withFlagNames('durationInSeconds must be'), '--duration must be');
    assert.equal(withFlagNames('crf and videoBitrate exclude each other'), '--crf and --bitrate exclude each other');
    assert.equal(withFlagNames('browserConfig.executablePath must be x'), '--browser must be x');
    assert.equal(
      withFlagNames('width is 63, which is odd: (or use pixelFormat yuv444p)', (name) => name === 'width'),
      'width (declared by the page; --width overrides it) is 63, which is odd: (or use --pixel-format yuv444p)',
    );
    assert.equal(withFlagNames('the output is wrong'), 'the output is wrong');
    assert.match(errorText(new OptionsError(['fps is bad', 'b'])), /cannot be met:\n {2}- --fps is bad\n {2}- b/);
  });

  it('keep a page from writing to the terminal', () => {
    assert.equal(printable('a\u001b[31m\u0007b\r\nc\td'), 'a\\x1b[31m\\x07b\nc\td');
  });

  it('as JSON hold the fields of an error', () => {
    const error = new PageError('TypeError: x', 'exception', { url: 'http://h/p', line: 3 }, { worker: 1, frame: 4 });
    const record = JSON.parse(jsonLine(errorRecord(error, 1)));
    assert.equal(record.type, 'error');
    assert.equal(record.name, 'PageError');
    assert.equal(record.worker, 1);
    assert.equal(record.frame, 4);
    assert.equal(record.location, 'http://h/p:3');
    assert.equal(record.exitCode, 1);
    assert.equal(
      JSON.parse(jsonLine({ type: 'x', error: new Error('a', { cause: new Error('b') }) })).error.cause.message,
      'b',
    );
    const loop: { type: string; self?: unknown } = { type: 'loop' };
    loop.self = loop;
    assert.equal(JSON.parse(jsonLine(loop)).type, 'loop');
    assert.equal(JSON.parse(jsonLine(errorRecord('a string', 1))).message, 'a string');
  });
});

describe('props', () => {
  it('come as JSON or in a file', async () => {
    await using folder = await makeFolder({ 'p.json': '\uFEFF{"a":[1]}' });
    assert.deepEqual(await readProps(' {"a":1}'), { value: { a: 1 } });
    const file = `${folder.path}/p.json`;
    assert.deepEqual(await readProps(file), { value: { a: [1] }, file });
    for (const text of ['[1]', '"a"', '{', folder.path, `${folder.path}/none.json`]) {
      assert.ok('problem' in (await readProps(text)), text);
    }
  });
});
