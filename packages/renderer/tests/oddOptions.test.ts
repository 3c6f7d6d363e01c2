import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionsError } from '../src/errors.js';
import { BrowserPool, Renderer, RenderOrchestrator, renderStill, verifyPage, type RenderEvent } from '../src/index.js';
import { planVerification } from '../src/verify/planVerification.js';
import { distributedSchema } from '../src/options/options.js';

const GOOD = { width: 320, height: 180, fps: 30, frameCount: 10 };
const URL_OF_NOTHING = 'http://127.0.0.1:1/never-opened';

const circular: Record<string, unknown> = {};
circular['self'] = { circular };
const throwing = (what: unknown = new Error('no value')) =>
  Object.defineProperty({}, 'inner', {
    enumerable: true,
    get: () => {
      throw what;
    },
  });
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
/** An error that cannot be told. */
const mute = () =>
  Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('nor this');
    },
  });

/** Asserts that nothing but an OptionsError comes out, with a sentence that begins with this name. */
function refused(error: unknown, name: string): true {
  assert.ok(error instanceof OptionsError, `not an OptionsError: ${String(error)}`);
  assert.ok(
    error.problems.some((problem) => problem.startsWith(`${name} `)),
    `${name}: ${error.problems.join('; ')}`,
  );
  return true;
}

describe('options that JSON does not hold', () => {
  const cases: [name: string, value: unknown][] = [
    ['inputProps', { count: 5n }],
    ['inputProps', circular],
    ['inputProps', throwing()],
    ['inputProps', { list: [{ deep: throwing() }] }],
    ['inputProps', { toJSON: () => assert.fail('no JSON') }],
    ['inputProps', revoked()],
    ['inputProps', throwing(mute())],
    ['inputProps', throwing(Object.create(null))],
    ['inputProps', throwing(Symbol('thrown'))],
    ['width', 5n],
    ['width', Symbol('wide')],
    ['width', circular],
    ['fps', { num: 30n, den: 1 }],
    ['fps', throwing()],
    ['fps', revoked()],
    ['deadlines', throwing()],
    ['deadlines', { load: 5n }],
    ['browserConfig', circular],
    ['browserConfig', { args: [revoked()] }],
    ['preset', Object.create(null)],
    ['preset', { toString: () => assert.fail('no text') }],
    ['locale', 1n],
    ['executor', null],
    ['executor', {}],
    ['executor', { render: 'it' }],
    ['executor', 5n],
  ];
  for (const [index, [name, value]] of cases.entries()) {
    it(`${name} is refused by name (${index})`, async () => {
      const options = { ...GOOD, [name]: value } as never;
      assert.throws(
        () => RenderOrchestrator.plan(URL_OF_NOTHING, 'out.mp4', options),
        (error) => refused(error, name),
      );
      const job = { onEvent: (event: RenderEvent) => assert.fail(event.type) };
      const render = RenderOrchestrator.render(URL_OF_NOTHING, 'out.mp4', options, job);
      await assert.rejects(render, (error) => refused(error, name));
      if (name === 'executor') return;
      assert.throws(
        () => new Renderer(options),
        (error) => refused(error, name),
      );
      await assert.rejects(renderStill(URL_OF_NOTHING, 'a.png', options, job), (error) => refused(error, name));
      await assert.rejects(verifyPage(URL_OF_NOTHING, options, job), (error) => refused(error, name));
    });
  }

  it('a getter that throws is refused by its name, and options that are none at all', async () => {
    const options = Object.defineProperty({ ...GOOD }, 'scale', throwingProperty);
    assert.throws(
      () => RenderOrchestrator.plan('u', 'out.mp4', options),
      (error) => refused(error, 'scale'),
    );
    const unreadable = new Proxy(GOOD, { ownKeys: () => assert.fail('no keys') });
    for (const odd of [null, undefined, 5, 'x', () => 1, revoked(), unreadable] as never[]) {
      for (const call of [
        () => RenderOrchestrator.plan('u', 'out.mp4', odd),
        () => new Renderer(odd),
        () => planVerification('u', odd),
        () => RenderOrchestrator.render('u', 'out.mp4', odd),
        () => renderStill('u', 'out.png', odd),
        () => verifyPage('u', odd),
      ]) {
        await assert.rejects(
          async () => {
            await call();
          },
          (error) => refused(error, 'options'),
        );
      }
    }
  });

  const throwingProperty = { enumerable: true, get: () => assert.fail('no scale') };

  it('are read once: what is changed later changes nothing', () => {
    const inputProps = { title: 'first', list: [1] };
    const browserConfig = { args: ['--first'] };
    const { chunks } = RenderOrchestrator.plan('u', 'out.mp4', { ...GOOD, inputProps, browserConfig });
    inputProps.title = 'second';
    inputProps.list.push(2);
    browserConfig.args.push('--second');
    assert.deepEqual(chunks[0]!.options.inputProps, { title: 'first', list: [1] });
    assert.deepEqual(chunks[0]!.options.browserConfig, { args: ['--first'] });
  });
});

describe('paths and addresses that are none', () => {
  const render = (url: unknown, output: unknown, options: object = {}) =>
    RenderOrchestrator.render(
      url as string,
      output as string,
      { ...GOOD, ...options },
      {
        onEvent: ({ type }) => assert.fail(type),
      },
    );

  for (const output of [null, undefined, 5, 5n, {}, circular, '', 'a\0.mp4', Symbol('path')]) {
    it(`output ${typeof output === 'string' ? JSON.stringify(output) : typeof output}`, async () => {
      await assert.rejects(render(URL_OF_NOTHING, output), (error) => refused(error, 'output'));
      const renderer = new Renderer(GOOD).render(URL_OF_NOTHING, output as string);
      await assert.rejects(renderer, (error) => refused(error, 'output'));
      const { frameCount: _, ...still } = GOOD;
      const picture = renderStill(URL_OF_NOTHING, output as string, { ...still, frame: 0 });
      await assert.rejects(picture, (error) => refused(error, 'output'));
    });
  }

  it('a null character, wherever a path or a text for a program is asked for', () => {
    const names = ['frameHashes', 'seamFiles', 'ffmpegPath', 'ffprobePath', 'cacheDirectory', 'partialOutput'];
    for (const name of names) {
      const options = { ...GOOD, [name]: 'a\0.mp4' };
      assert.throws(
        () => RenderOrchestrator.plan('u', 'o.mp4', options),
        (error) => refused(error, name),
      );
    }
    for (const [name, config] of Object.entries({ executablePath: 'a\0', args: ['a\0'] })) {
      const options = { ...GOOD, browserConfig: { [name]: config } } as never;
      assert.throws(
        () => RenderOrchestrator.plan('u', 'o.mp4', options),
        (error) => refused(error, name === 'args' ? 'browserConfig.args.0' : 'browserConfig.executablePath'),
      );
    }
    assert.throws(
      () => planVerification('u', { ...GOOD, pictures: 'a\0' }),
      (error) => refused(error, 'pictures'),
    );
  });

  it('an address that is none, with what to say instead', async () => {
    const none = [
      '',
      'page.html',
      './x',
      '/tmp/x.html',
      'http://',
      'C:\\page.html',
      'javascript:1',
      'x:y',
      null,
      5,
      5n,
      {},
    ];
    for (const url of none) {
      const refuses = (error: unknown) => refused(error, 'compositionUrl');
      await assert.rejects(render(url, 'out.mp4'), refuses);
      await assert.rejects(new Renderer(GOOD).render(url as string, 'out.mp4'), refuses);
      await assert.rejects(verifyPage(url as string, { ...GOOD, pictures: 'x' }), refuses);
    }
    await assert.rejects(render('page.html', 'out.mp4'), /there is no file .*page.html: give an http:/);
  });
});

describe('files of a render that would replace one another', () => {
  const cases: [options: object, name: string, output?: string][] = [
    [{ frameHashes: 'out.mp4' }, 'frameHashes'],
    [{ frameHashes: './x/../out.mp4' }, 'frameHashes'],
    [{ partialOutput: `${process.cwd()}/out.mp4` }, 'partialOutput'],
    [{ partialOutput: 'a.mp4', frameHashes: './a.mp4' }, 'partialOutput'],
  ];
  for (const [options, name] of cases) {
    it(`${JSON.stringify(options)} is refused`, () => {
      assert.throws(
        () => RenderOrchestrator.plan('u', 'out.mp4', { ...GOOD, ...options }),
        (error) => refused(error, name) && /is the same file as/.test((error as Error).message),
      );
    });
  }
});

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('options at random', () => {
  const NAMES = [
    ...Object.keys(distributedSchema.shape),
    'executor',
    'pictures',
    'samples',
    'frame',
    'size',
    '__proto__',
    'x',
  ];
  const VALUES: unknown[] = [
    ...[undefined, null, true, false, 0, -0, -1, 1, 2, 1.5, 7, 30, 1080, NaN, Infinity, -Infinity, 1e308, 2 ** 53, 5n],
    ...[
      '',
      ' ',
      'x',
      '\0',
      'a\0b',
      '../x',
      '/x.mp4',
      'out.mp4',
      './out.mp4',
      'h.txt',
      '30/0',
      '30000/1001',
      '8M',
      '0M',
    ],
    ...[
      'auto',
      'canvas',
      'screenshot',
      'h264',
      'vp9',
      'prores',
      'yuv420p',
      'medium',
      'UTC',
      'de',
      '\ud800',
      'ü'.repeat(300),
    ],
    ...[
      Symbol('x'),
      () => 1,
      [],
      [1],
      ['--x'],
      ['--x\0'],
      {},
      { a: 1 },
      { a: 5n },
      circular,
      throwing(),
      throwing(mute()),
    ],
    ...[revoked(), Object.create(null), new Date(NaN), new Map([[1, 2]]), /x/, new Error('x'), Buffer.from('x')],
    ...[
      { num: 30, den: 1 },
      { num: 30, den: 0 },
      { load: 5 },
      { load: 0, lunch: 1 },
      { executablePath: 'x' },
      { args: ['x', 5] },
    ],
    ...[{ toJSON: () => 5 }, { toJSON: () => undefined }, { render: () => Promise.resolve() }, { [Symbol('k')]: 1 }],
    new Proxy({}, { get: () => assert.fail('no'), ownKeys: () => assert.fail('no') }),
  ];
  const OUTPUTS: unknown[] = [
    'out.mp4',
    'out.mp4',
    'out.mp4',
    'out.webm',
    'out.mkv',
    'x.mov',
    'o.avi',
    '',
    '\0.mp4',
    null,
    5n,
    {},
  ];
  const ROUNDS = 1500;

  it(`are taken or refused by an OptionsError, ${ROUNDS} times`, async () => {
    const next = random(1);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
    let taken = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const changes = Array.from({ length: 1 + Math.floor(next() * 3) }, () => [pick(NAMES), pick(VALUES)] as const);
      const options = { ...GOOD, ...Object.fromEntries(changes) } as never;
      const output = pick(OUTPUTS) as string;
      const told = () => `round ${round}: ${changes.map(([name]) => name).join()}`;
      const mayRefuse = async (call: () => unknown) => {
        try {
          await call();
          taken++;
          return true;
        } catch (error) {
          assert.ok(error instanceof OptionsError, `${told()}: ${(error as Error).stack}`);
          assert.ok(error.problems.length > 0 && error.problems.every((problem) => problem !== ''), told());
          return false;
        }
      };
      if (!(await mayRefuse(() => RenderOrchestrator.plan('u', output, options)))) {
        const job = { onEvent: ({ type }: RenderEvent) => assert.fail(type) };
        await mayRefuse(() => RenderOrchestrator.render('u', output, options, job));
      }
      await mayRefuse(() => new Renderer(options));
      await mayRefuse(() => planVerification('u', options));
      await mayRefuse(() => new BrowserPool(options));
    }
    assert.ok(taken > 20, `${taken} were taken`);
  });
});
