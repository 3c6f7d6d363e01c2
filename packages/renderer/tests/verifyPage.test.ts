import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import {
  OptionsError,
  PageError,
  stopReceiptOf,
  verifyPage,
  type RenderEvent,
  type RenderJobOptions,
  type VerifyOptions,
} from '../src/index.js';
import { planVerification } from '../src/verify/planVerification.js';
import { WITHOUT_HARDENING } from './support/extent.js';
import { eventsOf } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;
const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const CSS_PAGE = `<style>
  body { margin: 0; background: #123; }
  p { width: 40px; height: 40px; background: orange; animation: go 1s ease-in-out infinite alternate; }
  @keyframes go { to { transform: translateX(90px) rotate(80deg); background: royalblue; } }
</style><p>css</p>`;
const pictures = join(sandbox.root, 'new', 'pictures');
const OPTIONS: VerifyOptions = {
  ...{ width: 160, height: 90, fps: 30, frameCount: 20, concurrency: 2, samples: 2, sampleFrames: 3, pictures },
  ...(WITHOUT_HARDENING ? { hardening: false } : {}),
};

async function verify(url: string, options: Partial<VerifyOptions> = {}) {
  const events: RenderEvent[] = [];
  const shares: number[] = [];
  const onEvent = (event: RenderEvent) => {
    events.push(event);
    sandbox.watch(event);
  };
  const job = { onEvent, onProgress: (share: number) => void shares.push(share) };
  const verdict = await verifyPage(url, { ...OPTIONS, ...options }, job);
  sandbox.assertNoProcesses();
  const files = existsSync(pictures) ? readdirSync(pictures) : undefined;
  const drawn = (files ?? []).map((name) => PNG.sync.read(readFileSync(join(pictures, name))));
  rmSync(join(sandbox.root, 'new'), { recursive: true, force: true });
  assert.deepEqual(
    sandbox.files().filter((name) => name !== 'out'),
    [],
    'files were left',
  );
  assert.deepEqual(shares, [...shares].sort());
  assert.equal(shares.at(-1), 1);
  return { verdict, events, files, drawn };
}

/** Runs a verification that must not end well; nothing may be left of it. */
async function fail(url: string, job: RenderJobOptions): Promise<unknown> {
  const destination = sandbox.destination('out');
  const onEvent = (event: RenderEvent) => {
    sandbox.watch(event);
    job.onEvent?.(event);
  };
  const [outcome] = await Promise.allSettled([verifyPage(url, OPTIONS, { ...job, onEvent })]);
  assert.equal(outcome.status, 'rejected');
  sandbox.assertNothingLeft(destination, job.signal);
  return outcome.reason;
}

describe('verifyPage', () => {
  it('finds a page that is a function of the frame', async () => {
    const { verdict, events, files } = await verify(sandbox.page(CSS_PAGE, 'css.html'));
    const samples = [
      { startFrame: 0, frameCount: 3 },
      { startFrame: 17, frameCount: 3 },
    ];
    const same = samples.map((sample) => ({ ...sample, differing: [] }));
    const { wallMs, ...rest } = verdict;
    assert.deepEqual(rest, {
      deterministic: true,
      seekable: true,
      exact: true,
      samples,
      ways: [
        { way: 'twice', samples: same },
        { way: 'many', samples: same },
        { way: 'seek', samples: same.slice(1) },
      ],
      pictures: 21,
    });
    assert.ok(wallMs > 0);
    assert.equal(files, undefined, 'no folder is made');
    assert.equal(eventsOf(events, 'frame').length, 21);
    const browsers = eventsOf(events, 'process').filter(({ state }) => state === 'started');
    assert.deepEqual(
      browsers.map(({ role }) => role),
      // Once, twice, one for each sample, and one that is entered by a jump.
      Array.from({ length: 5 }, () => 'browser'),
    );
    assert.deepEqual(
      eventsOf(events, 'state').map(({ state }) => state),
      ['running', 'finishing', 'succeeded'],
    );
  });

  it('finds a page that has state, and says from which frame on', async () => {
    const { verdict, files, drawn } = await verify(page('counter'));
    assert.equal(verdict.deterministic, true);
    assert.equal(verdict.seekable, false);
    const [twice, many, seek] = verdict.ways;
    assert.equal(twice!.difference, undefined);
    assert.equal(many!.difference, undefined);
    assert.deepEqual(seek!.samples, [{ startFrame: 17, frameCount: 3, differing: [17, 18, 19] }]);
    assert.equal(seek!.difference!.frame, 17);
    assert.match(seek!.difference!.page.join('\n'), /div#count: text "17" and "4"/);
    assert.equal(seek!.difference!.picture, join(pictures, 'seek.frame-17.png'));
    assert.deepEqual(files, ['seek.frame-17.png']);
    assert.equal(drawn[0]!.width, 3 * 160);
  });

  it('finds a page that shows what a server says, with a picture and the element', async () => {
    await using server = await Server.answeringOtherwise();
    const { verdict, files, drawn } = await verify(server.url('index.html'));
    assert.equal(verdict.deterministic, false);
    assert.equal(verdict.seekable, false);
    const [twice] = verdict.ways;
    assert.equal(twice!.difference!.frame, 0);
    assert.deepEqual(twice!.samples[0]!.differing, [0, 1, 2]);
    assert.match(twice!.difference!.page.join(), /p#answer: text "answer \d" and "answer \d"/);
    assert.deepEqual(files, ['many.frame-0.png', 'seek.frame-17.png', 'twice.frame-0.png']);
    const { data } = drawn[2]!;
    assert.ok(
      data.some((value, at) => at % 4 === 0 && value === 255 && data[at + 1] === 0),
      'what differs is red',
    );
  });

  it('leaves nothing after an abort, and rejects with the reason itself', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'frame' && event.frame > 0) controller.abort(reason);
    };
    assert.equal(await fail(page('counter'), { signal: controller.signal, onEvent }), reason);
    const receipt = stopReceiptOf(reason)!;
    assert.equal(receipt.reason, 'user');
    assert.ok(receipt.processes.some(({ role, how }) => role === 'browser' && how === 'SIGKILL'));
    assert.deepEqual(receipt.leftovers, []);
  });

  it('leaves nothing after an abort just before the pictures are put in place', async () => {
    const controller = new AbortController();
    const reason = { late: true };
    let folder: string[] | undefined;
    const hooks: RenderJobOptions['hooks'] = {
      at: ({ phase }) => {
        if (phase !== 'commit') return;
        folder = readdirSync(pictures);
        controller.abort(reason);
      },
    };
    assert.equal(await fail(page('counter'), { signal: controller.signal, hooks }), reason);
    assert.equal(folder?.length, 1, 'the picture was there under another name');
    assert.match(folder[0]!, /^seek\.frame-17\.png\.part-/);
  });

  it('fails with the error of the page itself, and stops every worker', async () => {
    const url = sandbox.page(`<script>setTimeout(() => { throw new TypeError('late') }, 300)</script>`);
    const error = await fail(url, {});
    assert.ok(error instanceof PageError, String(error));
    assert.match(error.message, /TypeError: late/);
    assert.equal(stopReceiptOf(error)!.reason, 'worker');
  });
});

describe('planVerification', () => {
  const rangesOf = (options: Partial<VerifyOptions>) =>
    planVerification('about:blank', { ...OPTIONS, ...options }).samples.map(({ startFrame, frameCount }) => [
      startFrame,
      startFrame + frameCount - 1,
    ]);

  it('spreads samples evenly from the first frame to the last', () => {
    const many = { frameCount: 300, samples: 3, sampleFrames: 8 };
    assert.deepEqual(rangesOf(many), [
      [0, 7],
      [146, 153],
      [292, 299],
    ]);
    assert.deepEqual(rangesOf({ ...many, startFrame: 100 })[2], [392, 399]);
    assert.deepEqual(rangesOf({ ...many, samples: 1 }), [[292, 299]]);
  });

  it('shares out a short composition whole', () => {
    assert.deepEqual(rangesOf({ frameCount: 10, samples: 3, sampleFrames: 8 }), [
      [0, 3],
      [4, 6],
      [7, 9],
    ]);
    assert.deepEqual(rangesOf({ frameCount: 2, samples: 3 }), [
      [0, 0],
      [1, 1],
    ]);
  });

  it('takes one page through all samples for `once` and `twice`, and jumps only where there is a way', () => {
    const { lanes, frameCount, concurrency } = planVerification('about:blank', { ...OPTIONS, concurrency: 8 });
    assert.deepEqual(
      lanes.map((lane) => lane.map(({ way, sample, options }) => `${way} ${sample} ${options.entry}`)),
      [
        ['once 0 replay', 'once 1 replay'],
        ['twice 0 replay', 'twice 1 replay'],
        ['many 0 replay'],
        ['many 1 replay'],
        ['seek 1 seek'],
      ],
    );
    assert.equal(frameCount, 21);
    assert.equal(concurrency, 5);
  });

  it('names every fault of the options at once', () => {
    assert.throws(
      () => planVerification('about:blank', { ...OPTIONS, fps: 0, samples: 0, sampleFrames: 1.5, pictures: '' }),
      (error) => error instanceof OptionsError && error.problems.length === 4,
    );
  });
});
