import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RenderOrchestrator, SeamError, type DistributedRenderOptions, type RenderEvent } from '../src/index.js';
import { LONG } from './support/extent.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';
import { decodedHashes } from './support/video.js';

const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;
const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

let renders = 0;

/** Renders without loss; returns what was captured, where it was split checked against what the file holds. */
async function render(url: string, options: Partial<DistributedRenderOptions>) {
  const frameHashes = join(sandbox.root, `chunks-${++renders}.hashes`);
  const result = await succeed(sandbox, url, { lossless: true, frameHashes, ...options }, {}, `chunks-${renders}.mkv`);
  const hashes = readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
  const captured = hashes.map((line) => line.split(' ')[1]!);
  if (result.report.chunks.total > 1) assert.deepEqual(await decodedHashes(result.path), captured);
  return { ...result, captured };
}

function browsers(events: readonly RenderEvent[]): number {
  return eventsOf(events, 'process').filter(({ role, state }) => role === 'browser' && state === 'started').length;
}

/** How each worker came to its chunks: `jumped` as the seams tell it. */
function entries(events: readonly RenderEvent[]) {
  return eventsOf(events, 'seam').filter(({ side }) => side === 'entry');
}

describe('more chunks than workers', () => {
  for (const [name, extent] of [
    ['simulation', {}],
    ['cards', LONG],
  ] as const) {
    it(`draw the same frames of ${name}, from one browser for each worker, with every seam seen`, extent, async () => {
      const whole = await render(page(name), { concurrency: 1, frameCount: 20 });
      assert.deepEqual(whole.report.seams, { total: 0, audited: 0, continued: 0 });
      const { captured, events, report } = await render(page(name), { concurrency: 2, frameCount: 20, chunkFrames: 3 });
      assert.deepEqual(captured, whole.captured);
      assert.equal(browsers(events), 2);
      assert.deepEqual(report.chunks, { total: 7, reused: 0, again: 0 });
      const { total, audited, continued } = report.seams;
      assert.equal(total, 6);
      assert.equal(audited + continued, 6);
      assert.ok(audited >= 1);
      const done = eventsOf(events, 'chunk').map(({ chunk, state }) => [chunk, state]);
      assert.deepEqual(
        done.sort().map(([chunk]) => chunk),
        [0, 1, 2, 3, 4, 5, 6],
      );
      assert.equal(
        report.workers.reduce((sum, { frames }) => sum + frames, 0),
        20,
      );
      // Pictures of seams that fit are not kept until the end.
      assert.ok(report.workers.every(({ chunks }) => chunks.length > 0));
    });
  }

  it('begin a chunk again in a new browser when the warm one was killed', LONG, async () => {
    const killed: number[] = [];
    const browserOf = new Map<number, number>();
    const url = page('simulation');
    const whole = await render(url, { concurrency: 1, frameCount: 12 });
    const frameHashes = join(sandbox.root, 'killed.hashes');
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'process' && event.role === 'browser' && event.state === 'started') {
        browserOf.set(event.worker!, event.pid);
      }
      // In the second chunk of worker 0.
      const late = event.type === 'frame' && event.worker === 0 && event.frame > 2;
      if (!late || killed.length > 0) return;
      killed.push(event.frame);
      process.kill(browserOf.get(0)!, 'SIGKILL');
    };
    const options = { concurrency: 1, frameCount: 12, chunkFrames: 3, retries: 1, lossless: true, frameHashes };
    const { report, events } = await succeed(sandbox, url, options, { onEvent }, 'killed.mkv');
    const captured = readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      captured.map((line) => line.split(' ')[1]),
      whole.captured,
    );
    assert.deepEqual(
      report.retries.map(({ worker, chunk }) => [worker, chunk]),
      [[0, 1]],
    );
    assert.equal(browsers(events), 2);
  });
});

describe('entry', () => {
  it('waits in each frame that it passes for what WebGL draws, which would pile up', LONG, async () => {
    const range = { concurrency: 1, startFrame: 120, frameCount: 1, entry: 'replay' } as const;
    const options = { ...range, mode: 'screenshot', inputProps: { rounds: 300, keeps: true } } as const;
    // 120 frames take several times as long, one a fraction of it.
    await succeed(sandbox, page('webgl'), { ...options, deadlines: { seek: 2000 } }, {}, 'heavy.mp4');
  });

  for (const [scene, opened, extent] of [
    ['always', 2, {}],
    ['keeps', 2, LONG],
    ['trail', 2, LONG],
    ['mirrored', 2, LONG],
    // What was left out of frames that nobody sees is needed: the page is opened again.
    ['rarely', 3, {}],
    ['copied', 3, LONG],
    ['read', 3, LONG],
    ['framed', 3, LONG],
  ] as const) {
    it(`gives the same frames where WebGL draws into some that nobody sees: ${scene}`, extent, async () => {
      // Whose browsers can be counted: another driver takes one more.
      const options = { frameCount: 12, inputProps: { scene }, entry: 'replay', webgl: 'swiftshader' } as const;
      const whole = await render(page('webgl-scenes'), { ...options, concurrency: 1 });
      const split = await render(page('webgl-scenes'), { ...options, concurrency: 2 });
      assert.deepEqual(split.captured, whole.captured);
      assert.equal(browsers(split.events), opened);
      assert.ok(new Set(whole.captured).size > 1);
    });
  }

  it('by a jump gives the same frames of a page that is a function of the frame', async () => {
    // Another driver would take one browser more each time.
    const options = { frameCount: 8, webgl: 'swiftshader' } as const;
    const whole = await render(page('webgl'), { ...options, concurrency: 1 });
    const jumped = await render(page('webgl'), { ...options, concurrency: 2, entry: 'seek' });
    assert.deepEqual(jumped.captured, whole.captured);
    assert.deepEqual(
      entries(jumped.events).map(({ jumped, frame }) => [jumped, frame]),
      [[true, 3]],
    );
    const part = { startFrame: 5, frameCount: 2, concurrency: 1, entry: 'seek' } as const;
    const range = await render(page('webgl'), { ...options, ...part });
    assert.deepEqual(range.captured, whole.captured.slice(5, 7));
  });

  it('by a jump into a page with state is found out at the seam, and mended by replay', async () => {
    const whole = await render(page('counter'), { concurrency: 1, frameCount: 20 });
    const { captured, events, report } = await render(page('counter'), {
      concurrency: 2,
      frameCount: 20,
      entry: 'seek',
    });
    assert.deepEqual(captured, whole.captured);
    assert.deepEqual(
      entries(events).map(({ jumped }) => jumped),
      [true, false],
    );
    assert.deepEqual(report.chunks, { total: 2, reused: 0, again: 1 });
    assert.deepEqual(report.seams, { total: 1, audited: 1, continued: 0 });
    const [warning] = eventsOf(events, 'warning');
    assert.match(warning!.message, /^frame 9 came out differently .*div#count: text "9" and "2".*entry: replay/);
  });

  it('is by replay where the page does not say that it may be entered by a jump', async () => {
    const { events } = await render(page('webgl'), { concurrency: 2, frameCount: 4, webgl: 'swiftshader' });
    assert.deepEqual(
      entries(events).map(({ jumped }) => jumped),
      [false],
    );
  });
});

describe('a page whose compositor remembers what it drew', () => {
  // The layer of the background keeps the size at which it was rastered while it was larger.
  const REMEMBERING = `<!doctype html><body style="margin:0"><div id="picture" style="height:150px"></div><script>
    const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 300 });
    const context = canvas.getContext('2d');
    for (let line = 0; line < 24; line++) {
      context.fillStyle = 'hsl(' + line * 15 + ', 80%, 50%)';
      context.fillRect(line * 25, 0, 20, 300);
      context.fillText(line, line * 25, line * 12);
    }
    picture.style.background = 'url(' + canvas.toDataURL() + ') 0 0/300px 150px no-repeat';
    requestAnimationFrame(function draw(time) {
      // Every worker draws frame 0.
      picture.style.visibility = time > 0 ? 'visible' : 'hidden';
      picture.style.transform = 'translateZ(0) scale(' + (1 + 0.3 * Math.max(0, 1 - time / 400)) + ')';
      requestAnimationFrame(draw);
    });
  </script>`;

  it('is drawn again by one worker, in order', async () => {
    const url = sandbox.page(REMEMBERING);
    const options = { frameCount: 18, fps: 10, width: 320, height: 160 };
    const whole = await render(url, { ...options, concurrency: 1 });
    const split = await render(url, { ...options, concurrency: 3 });
    assert.deepEqual(split.captured, whole.captured);
    assert.deepEqual(split.report.chunks, { total: 3, reused: 0, again: 2 });
    const warnings = eventsOf(split.events, 'warning').map(({ message }) => message);
    assert.match(warnings[0]!, /^frame \d+ came out differently .*one worker now draws frames 0 to 17 again, in order/);
    assert.match(warnings[1]!, /took \d+\.\d s$/);
    const drawing = await render(url, { ...options, startFrame: 12, frameCount: 6, concurrency: 1, entry: 'draw' });
    assert.deepEqual(drawing.captured, whole.captured.slice(12));
  });
});

describe('a page that does not draw the same each time', () => {
  it('fails with both pictures, and says what differs', async () => {
    await using server = await Server.answeringOtherwise();
    const { error, receipt, pictures } = await fail(sandbox, server.url('index.html'));
    assert.ok(error instanceof SeamError, String(error));
    assert.equal(error.frame, 9);
    assert.deepEqual(error.chunks, [0, 1]);
    assert.match(error.differences.join(), /p#answer: text "answer \d" and "answer \d"/);
    assert.equal(receipt.reason, 'worker');
    const [left, right, both] = pictures;
    assert.notDeepEqual(left!.data, right!.data);
    assert.equal(both!.width, 3 * left!.width);
    const red = both!.data.filter((_, at) => at % 4 === 0 && both!.data[at] === 255 && both!.data[at + 1] === 0);
    assert.ok(red.length > 0, 'what differs is red');
  });

  it('fails with what differs, also where its pictures cannot be saved', async () => {
    await using server = await Server.answeringOtherwise();
    const destination = sandbox.destination('unsaved.mp4');
    const taken = join(sandbox.root, 'unsaved.frame-9.chunk-0.png');
    mkdirSync(taken);
    const events: RenderEvent[] = [];
    const render = RenderOrchestrator.render(
      server.url('index.html'),
      destination,
      { width: 160, height: 90, fps: 30, frameCount: 20, concurrency: 2 },
      { onEvent: (event) => void events.push(event) },
    );
    await assert.rejects(render, (error) => error instanceof SeamError);
    rmdirSync(taken);
    assert.match(eventsOf(events, 'warning').at(-1)!.message, /the pictures of the seam could not be saved: .*EISDIR/);
  });

  it('is rendered all the same where that is asked for, with each such frame named', async () => {
    await using server = await Server.answeringOtherwise();
    const { report, events } = await render(server.url('index.html'), {
      concurrency: 2,
      frameCount: 20,
      seams: 'warn',
    });
    const [seam] = report.seams.differing!;
    assert.equal(seam!.frame, 9);
    assert.deepEqual(seam!.chunks, [0, 1]);
    assert.match(seam!.differences.join(), /p#answer: text/);
    assert.ok(seam!.psnr! > 5 && seam!.psnr! < 60, String(seam!.psnr));
    assert.ok(seam!.maxDifference! > 100, String(seam!.maxDifference));
    const warnings = eventsOf(events, 'warning').map(({ message }) => message);
    assert.match(warnings.join('\n'), /frame 9 .* by up to \d+ of 255 levels \(PSNR [\d.]+ dB\): .*p#answer/);
  });
});
