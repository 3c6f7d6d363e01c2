import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import pc from 'picocolors';
import { RenderOrchestrator, type RenderEvent, type RenderPlan, type StopReceipt } from '@genlock/renderer';
import { BarsDisplay } from '../src/display/BarsDisplay.js';
import { JsonDisplay } from '../src/display/JsonDisplay.js';
import { LinesDisplay } from '../src/display/LinesDisplay.js';
import { totalLine, workerLine } from '../src/display/lines.js';
import { formatBytes, formatClock, formatSeconds } from '../src/format.js';
import { receiptLines, reportLines } from '../src/messages.js';
import { foldEvent, secondsLeft, speed, startProgress } from '../src/progress.js';

const plain = pc.createColors(false);
const telling = { verbose: false, wording: (text: string) => text };

function makePlan(frameCount = 40, concurrency = 2): RenderPlan {
  return RenderOrchestrator.plan('u', 'o.mp4', { width: 64, height: 36, fps: 30, frameCount, concurrency });
}

function frame(worker: number, rendered: number): RenderEvent {
  return { type: 'frame', worker, frame: worker * 20 + rendered - 1, rendered, total: 20 };
}

describe('progress', () => {
  it('adds up the frames of all workers', () => {
    const progress = startProgress(makePlan());
    foldEvent(progress, { type: 'worker', worker: 1, state: 'rendering', chunk: 1, startFrame: 20, frameCount: 20 }, 0);
    foldEvent(progress, { type: 'phase', phase: 'capture', worker: 1 }, 0);
    for (let count = 1; count <= 10; count++) foldEvent(progress, frame(1, count), count * 100);
    for (let count = 1; count <= 5; count++) foldEvent(progress, frame(0, count), 1000);
    assert.equal(progress.rendered, 15);
    assert.equal(progress.total, 40);
    assert.equal(progress.workers[1]?.frame, 29);
    assert.equal(progress.workers[1]?.phase, 'capture');
    assert.equal(progress.workers[0]?.state, 'waiting');
    foldEvent(progress, { type: 'phase', phase: 'concat' }, 1100);
    assert.equal(progress.phase, 'concat');
  });

  it('never falls when a worker begins again', () => {
    const progress = startProgress(makePlan());
    for (let count = 1; count <= 10; count++) foldEvent(progress, frame(1, count), count * 100);
    foldEvent(
      progress,
      { type: 'worker', worker: 1, state: 'retrying', chunk: 1, startFrame: 20, frameCount: 20 },
      1000,
    );
    assert.match(workerLine(progress.workers[1]!, 100, plain), /restarting 20-39$/);
    foldEvent(progress, { type: 'retry', worker: 1, chunk: 1, attempt: 1, of: 1, error: new Error('x') }, 1000);
    assert.equal(progress.workers[1]!.frame, undefined);
    for (let count = 1; count <= 12; count++) {
      foldEvent(progress, frame(1, count), 1000 + count * 100);
      assert.equal(progress.rendered, Math.max(10, count));
      assert.equal(progress.workers[1]!.frame, 19 + count);
    }
  });

  it('goes back where frames are drawn again, and says how many', () => {
    const progress = startProgress(makePlan());
    for (let count = 1; count <= 20; count++) for (const worker of [0, 1]) foldEvent(progress, frame(worker, count), 0);
    assert.match(totalLine(progress, 0, 100, plain), /100% {2}40\/40 frames$/);
    foldEvent(progress, { type: 'chunk', chunk: 1, state: 'again', startFrame: 20, frameCount: 20 }, 0);
    assert.match(totalLine(progress, 0, 100, plain), / 50% {2}20\/40 frames {2}20 drawn again$/);
    foldEvent(progress, { type: 'worker', worker: 0, state: 'starting', chunk: 1, startFrame: 20, frameCount: 20 }, 0);
    const first = { ...frame(0, 1), frame: 20 } as RenderEvent;
    foldEvent(progress, first, 100);
    assert.match(workerLine(progress.workers[0]!, 100, plain), /frame 20 of 20-39$/);
    assert.match(totalLine(progress, 100, 100, plain), / 52% {2}21\/40 frames {2}20 drawn again$/);
    for (let count = 2; count <= 20; count++)
      foldEvent(progress, { ...frame(0, count), frame: 19 + count } as RenderEvent, 200);
    assert.match(totalLine(progress, 300, 100, plain), /100% {2}40\/40 frames$/);
  });

  it('measures the speed of late', () => {
    const progress = startProgress(makePlan());
    assert.equal(speed(progress, 0), undefined);
    for (let count = 1; count <= 11; count++) foldEvent(progress, frame(0, count), count * 100);
    // 10 frames in the second from the first frame to the eleventh.
    assert.equal(speed(progress, 1100), 10);
    assert.equal(secondsLeft(progress, 1100), 2.9);
  });

  it('keeps few samples, however many the frames', () => {
    const progress = startProgress(makePlan(40_000, 1));
    for (let count = 1; count <= 40_000; count++)
      foldEvent(progress, { ...frame(0, count), total: 40_000 } as RenderEvent, count);
    assert.ok(progress.samples.length <= 20);
    assert.ok(Math.abs(speed(progress, 40_000)! - 1000) < 1);
  });
});

describe('lines of the terminal', () => {
  it('tell where a worker is', () => {
    const base = { worker: 1, chunk: 1, startFrame: 20, frameCount: 20, state: 'rendering', done: 0 } as const;
    const cases = [
      [{ ...base, state: 'waiting' }, /waiting to draw 20-39$/],
      [{ ...base, phase: 'launch' }, /starting the browser$/],
      [{ ...base, phase: 'seek' }, /going to frame 20$/],
      [{ ...base, frame: 29, done: 10 }, /^worker 1 .*━{15}─{15} {2}frame 29 of 20-39$/],
      [{ ...base, state: 'stopped', frame: 29, done: 10 }, /stopped at frame 29 of 20-39$/],
      [{ ...base, state: 'failed' }, /failed before frame 20$/],
      [{ ...base, state: 'finished', frame: 39, done: 20 }, /━{30} {2}finished 20-39$/],
    ] as const;
    for (const [worker, says] of cases) assert.match(workerLine(worker, 100, plain), says);
  });

  it('tell the total, the speed and the time left', () => {
    const progress = startProgress(makePlan());
    for (let count = 1; count <= 11; count++) foldEvent(progress, frame(0, count), count * 100);
    assert.match(totalLine(progress, 1100, 100, plain), /27% {2}11\/40 frames {2}10 frames\/s {2}0:03 left$/);
    foldEvent(progress, { type: 'state', state: 'cancelling' }, 1100);
    assert.match(totalLine(progress, 1100, 100, plain), /stopping$/);
  });

  it('fit into any width', () => {
    const progress = startProgress(makePlan());
    for (let count = 1; count <= 11; count++) foldEvent(progress, frame(0, count), count * 100);
    for (let width = 1; width < 150; width++) {
      assert.ok(totalLine(progress, 1100, width, plain).length <= width);
      assert.ok(workerLine(progress.workers[0]!, width, plain).length <= width);
    }
  });
});

describe('displays', () => {
  it('without a terminal: each tenth again, where frames are drawn again', () => {
    const lines: string[] = [];
    const display = new LinesDisplay(
      (line) => lines.push(line),
      telling,
      () => 0,
    );
    display.begin(makePlan());
    for (let count = 1; count <= 20; count++) for (const worker of [0, 1]) display.event(frame(worker, count));
    display.event({ type: 'chunk', chunk: 1, state: 'again', startFrame: 20, frameCount: 20 });
    for (let count = 1; count <= 20; count++) display.event(frame(1, count));
    display.end();
    const shares = lines.slice(lines.indexOf('frames 20-39 are rendered again') + 1).map((line) => line.slice(0, 4));
    assert.deepEqual(shares, [' 60%', ' 70%', ' 80%', ' 90%', '100%']);
  });

  it('without a terminal: the start, each tenth, the join', () => {
    const lines: string[] = [];
    let now = 0;
    const display = new LinesDisplay(
      (line) => lines.push(line),
      telling,
      () => (now += 100),
    );
    display.begin(makePlan());
    for (let count = 1; count <= 20; count++) for (const worker of [0, 1]) display.event(frame(worker, count));
    display.event({ type: 'phase', phase: 'concat' });
    display.end();
    assert.equal(lines[0], 'rendering 40 frames at 64x36, 30 frames/s, with 2 workers: 0-19, 20-39');
    assert.equal(lines.filter((line) => /^ *\d+%/.test(line)).length, 10);
    assert.match(lines.at(-2)!, /^100% {2}40\/40 frames, 10 frames\/s$/);
    assert.equal(lines.at(-1), 'joining the parts');
  });

  it('show what the page complains of once, and its other words only when verbose', () => {
    const events: RenderEvent[] = [0, 1].flatMap((worker): RenderEvent[] => [
      { type: 'page-console', level: 'error', text: 'bad\u001b[2J', worker },
      { type: 'page-console', level: 'log', text: 'chat', worker, frame: 3, url: 'http://h/p', line: 7 },
      { type: 'warning', message: `worker ${worker} (load): image did not load` },
    ]);
    const quiet: string[] = [];
    const display = new LinesDisplay((line) => quiet.push(line), telling);
    for (const event of events) display.event(event);
    assert.deepEqual(quiet, ['page: bad\\x1b[2J', 'warning: worker 0 (load): image did not load']);
    const loud: string[] = [];
    const verbose = new LinesDisplay((line) => loud.push(line), { ...telling, verbose: true });
    for (const event of events) verbose.event(event);
    assert.ok(loud.includes('worker 1, frame 3: console.log: chat (http://h/p:7)'));
  });

  it('tell in a line that a worker begins again', () => {
    const lines: string[] = [];
    const display = new LinesDisplay((line) => lines.push(line), telling);
    const error = new Error('worker 1, frame 7 (capture): the browser was ended by SIGKILL\n    and said this');
    display.event({ type: 'retry', worker: 1, chunk: 1, attempt: 1, of: 2, error });
    assert.deepEqual(lines, [
      'worker 1 restarts its chunk (retry 1 of 2): worker 1, frame 7 (capture): the browser was ended by SIGKILL',
    ]);
  });

  it('give up on a page that never stops complaining', () => {
    const lines: string[] = [];
    const display = new LinesDisplay((line) => lines.push(line), telling);
    for (let count = 0; count < 1000; count++) {
      display.event({ type: 'page-console', level: 'error', text: `problem ${count}`, worker: 0 });
    }
    assert.equal(lines.length, 11);
    assert.match(lines.at(-1)!, /--verbose shows all/);
  });

  it('on a terminal: a line a worker, and the cursor comes back', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 90, rows: 24 });
    const display = new BarsDisplay(stream as unknown as NodeJS.WriteStream, telling);
    display.begin(makePlan());
    display.event(frame(0, 7));
    display.event({ type: 'page-console', level: 'error', text: 'bad', worker: 0 });
    display.end();
    display.end();
    const text = String(stream.read());
    assert.match(text, /worker 0 .*frame {2}6 of 0-19/);
    assert.match(text, /worker 1 .*waiting to draw 20-39/);
    assert.match(text, /total .*17%/);
    assert.equal(text.lastIndexOf('\u001b[?25h') > text.lastIndexOf('\u001b[?25l'), true);
    assert.equal(text.lastIndexOf('\u001b[?7h') > text.lastIndexOf('\u001b[?7l'), true);
    assert.equal(process.listenerCount('SIGINT'), 0);
  });

  it('as JSON: each event a line, errors readable', () => {
    const lines: string[] = [];
    const display = new JsonDisplay((line) => lines.push(line));
    display.event(frame(0, 1));
    display.event({ type: 'worker-failed', error: new TypeError('x'), worker: 0 });
    assert.deepEqual(JSON.parse(lines[0]!), frame(0, 1));
    assert.deepEqual(JSON.parse(lines[1]!).error, { name: 'TypeError', message: 'x' });
  });
});

describe('endings', () => {
  const receipt: StopReceipt = {
    reason: 'user',
    message: 'Ctrl-C (SIGINT)',
    first: {},
    workers: [
      { worker: 0, phase: 'capture', frame: 5, state: 'stopped' },
      { worker: 1, phase: 'load', state: 'stopped' },
    ],
    processes: [
      { pid: 1, role: 'browser', how: 'SIGKILL' },
      { pid: 2, role: 'browser', how: 'SIGKILL' },
      { pid: 3, role: 'encoder', how: 'SIGKILL' },
      { pid: 4, role: 'probe', how: 'exit' },
    ],
    retries: [],
    ms: 41.6,
    leftovers: [],
  };

  it('two lines for a stop', () => {
    assert.deepEqual(receiptLines(receipt), [
      'stopped by Ctrl-C (SIGINT)',
      'worker 0 was at frame 5 (capture), worker 1 was at load; ended: 2 browsers, 1 encoder; nothing was left after 42 ms',
    ]);
    const failed = receiptLines({
      ...receipt,
      reason: 'worker',
      first: { worker: 1, frame: 7, phase: 'capture' },
      leftovers: ['/tmp/x'],
    });
    assert.equal(failed[0], 'stopped because worker 1 failed first, at frame 7 (capture)');
    assert.match(failed[1]!, /STILL THERE: \/tmp\/x/);
    assert.match(receiptLines({ ...receipt, reason: 'stall', first: { worker: 0 } })[0]!, /worker 0 stalled first/);
    assert.match(
      receiptLines({ ...receipt, reason: 'budget', first: { worker: 0 } })[0]!,
      /worker 0 exceeded its budget/,
    );
    assert.match(receiptLines({ ...receipt, reason: 'deadline' })[0]!, /the time for the whole render was up/);
  });

  it('two lines also for many workers, and for a reason of many lines', () => {
    const workers = Array.from({ length: 16 }, (_, worker) => {
      return { worker, phase: 'capture', frame: worker, state: worker < 3 ? 'finished' : 'stopped' } as const;
    });
    const lines = receiptLines({ ...receipt, message: 'two\nlines', workers });
    assert.equal(lines.length, 2);
    assert.equal(lines[0], 'stopped by two');
    assert.match(lines[1]!, /^3 workers finished, 13 workers at capture; ended: /);
    assert.ok(lines.every((line) => !line.includes('\n')));
  });

  it('what was made and where', () => {
    const lines = reportLines({
      outputPath: '/o.mp4',
      frames: 60,
      width: 64,
      height: 36,
      fps: { num: 30000, den: 1001 },
      durationInSeconds: 2.002,
      bytes: 1_234_567,
      wallMs: 4000,
      framesPerSecond: 15,
      workers: [],
      chunks: { total: 2, reused: 0, again: 0 },
      seams: { total: 1, audited: 1, continued: 0 },
      retries: [
        { worker: 1, chunk: 1, attempt: 1, of: 2, error: { name: 'BrowserCrashError', message: 'it crashed\n  at x' } },
      ],
      phases: {},
    });
    assert.equal(lines[0], '/o.mp4');
    assert.match(lines[1]!, /60 frames, 64x36, 30000\/1001 frames\/s, 2\.002 s, 1\.2 MB/);
    assert.match(lines[2]!, /made in 4 s by 0 workers: 15 frames\/s/);
    assert.deepEqual(lines.slice(3), ['  worker 1 restarted its chunk (retry 1) after: it crashed']);
  });

  it('figures', () => {
    assert.deepEqual([1, 999, 1000, 5_500_000].map(formatBytes), ['1 byte', '999 bytes', '1 kB', '5.5 MB']);
    assert.deepEqual([0.4, 59.2, 61, 3723].map(formatClock), ['0:01', '1:00', '1:01', '1:02:03']);
    assert.equal(formatSeconds(4.25), '4.3 s');
  });
});
