import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RenderOrchestrator } from '@genlock/renderer';
import { hostDifferences, readHost } from '@genlock/renderer/testing';
import { cycleLine } from '../src/display/soakTables.js';
import { ACTIONS, planCycles, type Cycle } from '../src/soak/plan.js';
import type { CycleResult } from '../src/soak/runCycle.js';
import { Sandbox } from '../src/soak/Sandbox.js';
import { actionRows, MEMORY_CYCLES, verdictRows, type Count } from '../src/soak/verdict.js';
import { LONG } from '../../renderer/tests/support/extent.js';
import { genlock, launcher, makeFolder } from './helpers.js';

/** Starts a process that leads a group of its own, as those of a render do. */
async function plant(command: string, ...args: string[]) {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child, 'spawn');
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGKILL');
    await ended;
  };
  return { child, pid: child.pid!, [Symbol.asyncDispose]: end };
}

describe('soak', () => {
  it('ends clean, with each action in turn', LONG, async () => {
    await using temporary = await makeFolder();
    const args = ['soak', '--cycles', String(ACTIONS.length), '--seed', '1', '--json'];
    const { code, stdout, stderr } = await genlock(args, { env: { TMPDIR: temporary.path } });
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const failed = records.filter(({ type, problems }) => type === 'cycle' && problems.length > 0);
    assert.deepEqual(failed, [], 'failed cycles');
    assert.equal(code, 0, stderr);
    const result = records.at(-1);
    assert.equal(result.type, 'soak');
    assert.equal(result.clean, true);
    assert.equal(records.length, ACTIONS.length + 1);
    for (const { action, cycles, failures } of result.actions) assert.ok(cycles > 0 && failures === 0, action);
    for (const { what, leaks } of result.verdict) assert.notEqual(leaks, true, what);
    assert.deepEqual(readdirSync(temporary.path), []);
  });

  it('Ctrl-C ends it with 130 and leaves nothing', async () => {
    await using temporary = await makeFolder();
    const env = { ...process.env, TMPDIR: temporary.path };
    const child = spawn(process.execPath, [launcher, 'soak'], { env });
    let stderr = '';
    child.stderr.setEncoding('utf8');
    for await (const text of child.stderr as AsyncIterable<string>) {
      stderr += text;
      if (/cycle 1:/.test(stderr)) break;
    }
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    assert.deepEqual(readdirSync(temporary.path), []);
  });

  it('names every fault of its flags, and starts nothing', async () => {
    const bad = ['--cycles', '0', '--minutes', 'x', '--seed', '-1', '--frames', '0', '--width', '7.5'];
    const { code, stderr } = await genlock(['soak', ...bad]);
    assert.equal(code, 2);
    for (const says of [
      /--cycles must be/,
      /--minutes must be/,
      /exclude/,
      /--seed must/,
      /--frames must/,
      /--width must/,
    ]) {
      assert.match(stderr, says);
    }
  });
});

describe('the plan of a soak', () => {
  const { chunks } = RenderOrchestrator.plan('u', 'o.mp4', {
    width: 64,
    height: 64,
    fps: 30,
    frameCount: 12,
    concurrency: 2,
  });
  const first = (seed: number, count: number): Cycle[] => {
    const plan = planCycles(seed, ACTIONS, chunks);
    return Array.from({ length: count }, () => plan.next().value);
  };

  it('is the same for the same seed', () => {
    assert.deepEqual(first(7, 200), first(7, 200));
    assert.notDeepEqual(first(7, 20), first(8, 20));
  });

  it('has each action once in a round, in changing orders', () => {
    const cycles = first(1, 3 * ACTIONS.length).map(({ action }) => action);
    const rounds = [0, 1, 2].map((round) => cycles.slice(round * ACTIONS.length, (round + 1) * ACTIONS.length));
    for (const round of rounds) assert.deepEqual(round.toSorted(), [...ACTIONS].sort());
    assert.notDeepEqual(rounds[0], rounds[1]);
  });

  it('comes to every phase, and to no step that is not there', () => {
    const cycles = first(1, 2000);
    const aborts = cycles.filter(({ action }) => action === 'abort');
    const places = new Set(aborts.map(({ place }) => `${place.phase} ${place.worker ?? ''}`));
    assert.equal(places.size, 8 * 2 + 4);
    for (const { place, frame } of cycles) {
      assert.ok(frame >= 0 && frame < 12);
      const steps = place.phase === 'seek' ? 7 : place.phase === 'capture' ? 6 : place.phase === 'encode' ? 5 : 1;
      assert.ok(place.step >= 0 && place.step < steps);
    }
  });
});

describe('the oracle of a soak finds', () => {
  it('nothing where nothing is', () => {
    using sandbox = new Sandbox();
    sandbox.prepare();
    assert.deepEqual(sandbox.leftovers(), []);
    assert.ok(sandbox.isUntouched());
  });

  it('a process of a group that was told of, and ends it', async () => {
    using sandbox = new Sandbox();
    await using planted = await plant('sleep', '60');
    sandbox.traces.watch({ type: 'process', state: 'started', pid: planted.pid, role: 'browser' });
    assert.deepEqual(sandbox.leftovers(), [`process ${planted.pid} lives on: sleep 60`]);
    const ended = once(planted.child, 'exit');
    sandbox.clear();
    await ended;
    assert.deepEqual(sandbox.leftovers(), []);
  });

  it('a stopped process', async () => {
    using sandbox = new Sandbox();
    await using planted = await plant('sleep', '60');
    process.kill(planted.pid, 'SIGSTOP');
    assert.deepEqual(sandbox.leftovers(), [`process ${planted.pid} lives on: sleep 60`]);
  });

  it('a process that left its group and its parent, by its descent and by our paths in its command', async () => {
    using sandbox = new Sandbox();
    // The inner shell is a child of init by the time that its pid comes.
    for (const name of ['seen', join(sandbox.temporary, 'profile')]) {
      const script = `setsid sh -c 'echo $$; exec sleep 60 #' "$0" & exec sleep 60`;
      await using planted = await plant('sh', '-c', script, name);
      const [data] = (await once(planted.child.stdout, 'data')) as [Buffer];
      const orphan = Number(data);
      sandbox.traces.noteDescendants();
      await planted[Symbol.asyncDispose]();
      assert.deepEqual(
        sandbox.traces.survivors().map(({ pid }) => pid),
        [orphan],
      );
      process.kill(orphan, 'SIGKILL');
    }
  });

  it('a zombie', async () => {
    using sandbox = new Sandbox();
    await using planted = await plant('sh', '-c', 'sh -c "echo $$" & exec sleep 60');
    await once(planted.child.stdout, 'data');
    // Its parent has become a program that waits for nobody.
    while (sandbox.traces.zombies().length === 0) await readHost();
    assert.match(sandbox.leftovers().join('\n'), /is a zombie/);
  });

  it('a file in TMPDIR, a file beside the output, and an output that was touched', () => {
    using sandbox = new Sandbox();
    sandbox.prepare();
    const planted = [join(sandbox.temporary, 'genlock-x'), `${sandbox.output}.part-1`];
    for (const path of planted) writeFileSync(path, 'x');
    assert.equal(process.env['TMPDIR'], sandbox.temporary);
    assert.equal(tmpdir(), sandbox.temporary);
    assert.deepEqual(
      sandbox.leftovers(),
      planted.map((path) => `left behind: ${path}`),
    );
    sandbox.clear();
    assert.deepEqual(sandbox.leftovers(), []);
    writeFileSync(sandbox.output, 'x');
    assert.equal(sandbox.isUntouched(), false);
  });

  it('a descriptor, a listener, a timer', async () => {
    const before = await readHost();
    assert.deepEqual(hostDifferences(before, await readHost()), []);
    const descriptor = openSync('/dev/null', 'r');
    const listener = () => {};
    process.on('SIGUSR2', listener);
    const timer = setTimeout(listener, 60_000);
    const differences = hostDifferences(before, await readHost()).join('\n');
    assert.match(differences, /\d+ file descriptors instead of \d+/);
    assert.match(differences, /SIGUSR2 1/);
    assert.match(differences, /Timeout/);
    clearTimeout(timer);
    process.off('SIGUSR2', listener);
    closeSync(descriptor);
  });
});

describe('the lines of a soak', () => {
  it('say what was done, where, and how it ended', () => {
    const cycle = { number: 3, frame: 7, delayMs: 5, wallMs: 900, stopMs: 34.4, problems: [] as string[] };
    const place = { phase: 'capture', worker: 1, step: 2 } as const;
    const lines = [
      cycleLine({ ...cycle, action: 'abort', place }),
      cycleLine({ ...cycle, action: 'abort', place: { phase: 'concat', step: 0 } }),
      cycleLine({ ...cycle, action: 'page throws', place, problems: ['this', 'that'] }),
      cycleLine({ ...cycle, action: 'complete', place, stopMs: undefined }),
    ];
    assert.deepEqual(lines, [
      'cycle 3: abort in capture, step 2 of worker 1: stopped in 34 ms',
      'cycle 3: abort in concat of the whole render: stopped in 34 ms',
      'cycle 3: page throws at frame 7: FAILED: this; that',
      'cycle 3: complete: done',
    ]);
  });
});

describe('the verdict of a soak', () => {
  const nothing: Count = {
    processes: 0,
    zombies: 0,
    host: { descriptors: 20, listeners: ['exit 1'], resources: [] },
    listeners: 0,
    files: 0,
  };
  const leaking = (after: Count, memory: number[] = []) =>
    verdictRows(nothing, after, memory)
      .filter(({ leaks }) => leaks)
      .map(({ what }) => what);

  it('names what there is more of', () => {
    assert.deepEqual(leaking(nothing), []);
    assert.deepEqual(
      leaking({
        processes: 1,
        zombies: 1,
        host: { descriptors: 21, listeners: ['exit 1', 'SIGINT 1'], resources: ['Timeout'] },
        listeners: 1,
        files: 1,
      }),
      [
        'processes',
        'zombies',
        'file descriptors',
        'process listeners',
        'abort listeners',
        'timers and handles',
        'temporary files',
      ],
    );
  });

  it('judges memory by its tenths, when there are enough cycles', () => {
    const growing = (perCycle: number, count: number) =>
      Array.from({ length: count }, (_, cycle) => 100e6 + perCycle * cycle);
    assert.deepEqual(leaking(nothing, growing(1e6, MEMORY_CYCLES - 1)), []);
    assert.deepEqual(leaking(nothing, growing(1e6, MEMORY_CYCLES)), ['resident memory']);
    assert.deepEqual(leaking(nothing, growing(1e3, MEMORY_CYCLES)), []);
    // What the first tenth takes is for warming up.
    assert.deepEqual(leaking(nothing, [...Array<number>(10).fill(10e6), ...Array<number>(90).fill(100e6)]), []);
  });

  it('adds up the cycles by action', () => {
    const cycle = { number: 1, place: { phase: 'capture', step: 0 }, frame: 0, delayMs: 0, wallMs: 1 } as const;
    const results: CycleResult[] = [
      { ...cycle, action: 'abort', stopMs: 10, problems: [] },
      { ...cycle, action: 'abort', stopMs: 30, problems: ['x'] },
      { ...cycle, action: 'complete', stopMs: undefined, problems: [] },
    ];
    assert.deepEqual(actionRows(['complete', 'abort'], results), [
      { action: 'complete', cycles: 1, failures: 0, medianMs: undefined, maxMs: undefined },
      { action: 'abort', cycles: 2, failures: 1, medianMs: 20, maxMs: 30 },
    ]);
  });
});
