import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  BrowserCrashError,
  EncoderError,
  OptionsError,
  RenderOrchestrator,
  StallError,
  ToolError,
  readComposition,
  type DistributedRenderOptions,
  type RenderEvent,
  type RenderHooks,
  type RenderPosition,
} from '../../src/index.js';
import { interruptCli, runCli } from './cli.js';
import type { FaultEvent, FaultPhase, Outcome } from './faultMatrix.js';
import { deferred } from './deferred.js';
import { findMember } from './processes.js';
import { eventsOf, fail, succeed, TWO_WORKERS, type Failure } from './renders.js';
import type { Sandbox } from './Sandbox.js';
import { Server } from './server.js';
import { SmallDisk } from './SmallDisk.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, '../pages/counter.html')).href;
/** The worker that the faults strike: it has the frames 10 to 19. The other one is held, and must be stopped. */
const VICTIM = 1;

/** Puts a fault into a render and returns what came of it. */
export type Injector = (sandbox: Sandbox) => Promise<Outcome>;

/** This machine cannot do what a fault needs. */
export class NotHere extends Error {}

type Position = Parameters<RenderHooks['at']>[0];
type Wait = Promise<void> | undefined | void;

const WORKER_PHASES: readonly FaultPhase[] = ['launch', 'load', 'seek', 'capture', 'encode', 'drain', 'verify'];

/** Where a fault strikes: in the middle of the victim's chunk, or at its first step in that phase. */
function placeOf(phase: FaultPhase, first: boolean): RenderPosition {
  const frame = { seek: first ? 0 : 3, capture: first ? 10 : 12, encode: first ? 10 : 12 }[phase as string];
  return {
    phase: phase as Position['phase'],
    ...(WORKER_PHASES.includes(phase) ? { worker: VICTIM } : {}),
    ...(frame === undefined ? {} : { frame }),
  };
}

/** Where the other worker waits meanwhile: at the same step, or with some of its frames drawn. */
function siblingPlaceOf(phase: FaultPhase, first: boolean): RenderPosition | undefined {
  if (!WORKER_PHASES.includes(phase)) return undefined;
  if (phase === 'launch' || phase === 'load') return { phase, worker: 0 };
  return { phase: 'capture', worker: 0, frame: first ? 0 : 4 };
}

function isAt(position: Position, place: RenderPosition | undefined): boolean {
  if (!place || position.phase !== place.phase || position.worker !== place.worker) return false;
  return place.frame === undefined || place.frame === position.frame;
}

interface Strike {
  url?: string;
  options?: Partial<DistributedRenderOptions>;
  /** Strike at the first step of the phase, so that a short deadline of that phase bears on nothing before it. */
  first?: boolean;
  /** Both workers fail. */
  both?: boolean;
  /** What happens at the place, once the other worker waits. The render goes on when it settles. */
  act?: (render: FaultyRender) => Wait;
  onEvent?: (event: RenderEvent, render: FaultyRender) => void;
}

/** A real render with two workers, of which the victim is struck at one exact place. */
class FaultyRender {
  readonly controller = new AbortController();
  readonly reason = new Error('the user says stop');
  readonly thrown = new Error('the first to fail');
  readonly second = new Error('the second to fail');
  readonly #leaders = new Map<string, number>();
  readonly #place: RenderPosition;
  readonly #siblingPlace: RenderPosition | undefined;
  readonly #sibling = deferred();
  readonly #siblingWaits = deferred();
  struck = false;
  /** Whether it has settled. */
  over = false;

  constructor(
    readonly sandbox: Sandbox,
    readonly phase: FaultPhase,
    readonly strike: Strike,
  ) {
    this.#place = placeOf(phase, strike.first ?? false);
    this.#siblingPlace = siblingPlaceOf(phase, strike.first ?? false);
    if (!this.#siblingPlace) this.#siblingWaits.resolve();
  }

  get #job() {
    return { signal: this.controller.signal, hooks: { at: this.#at }, onEvent: this.#onEvent };
  }

  async fail(): Promise<Failure> {
    const failure = await this.#settle(fail);
    this.sandbox.signal?.throwIfAborted();
    assert.ok(this.struck, 'the fault struck');
    if (this.#siblingPlace) {
      const [sibling, victim] = failure.receipt.workers;
      assert.equal(sibling!.state, this.strike.both ? 'failed' : 'stopped', 'the other worker was stopped');
      assert.notEqual(victim!.state, 'finished');
    }
    return failure;
  }

  async succeed(): Promise<Outcome> {
    const { report } = await this.#settle(succeed);
    assert.ok(this.struck, 'the fault struck');
    assert.equal(report.frames, TWO_WORKERS.frameCount);
    return 'S';
  }

  async #settle<T>(run: (...given: Parameters<typeof fail>) => Promise<T>): Promise<T> {
    const { url = COUNTER, options } = this.strike;
    try {
      return await run(this.sandbox, url, { ...options }, this.#job);
    } finally {
      this.over = true;
    }
  }

  /** The group of the victim's process of this role, or of the whole render's. */
  leader(role: string): number {
    const pid = this.#leaders.get(`${role} ${VICTIM}`) ?? this.#leaders.get(role);
    assert.ok(pid !== undefined, `a ${role} runs`);
    return pid;
  }

  kill(role: string, kind: Parameters<typeof findMember>[1]): void {
    const pid = findMember(this.leader(role), kind);
    assert.ok(pid !== undefined, `there is a ${kind}`);
    process.kill(pid, 'SIGKILL');
  }

  stop(role: string): void {
    process.kill(-this.leader(role), 'SIGSTOP');
  }

  /** Lets the other worker go on, or makes it fail. */
  release(error?: Error): void {
    if (error) this.#sibling.reject(error);
    else this.#sibling.resolve();
  }

  readonly #at = (position: Position): Wait => {
    if (isAt(position, this.#siblingPlace)) {
      this.#siblingWaits.resolve();
      return this.#sibling.promise;
    }
    if (!this.strike.act || !isAt(position, this.#place) || this.struck) return undefined;
    return this.#siblingWaits.promise.then(() => {
      this.struck = true;
      return this.strike.act!(this);
    });
  };

  readonly #onEvent = (event: RenderEvent): void => {
    if (event.type === 'process' && event.state === 'started') {
      this.#leaders.set(event.worker === undefined ? event.role : `${event.role} ${event.worker}`, event.pid);
    }
    this.strike.onEvent?.(event, this);
  };
}

/** Never settles: the render is stopped while it waits. */
function forever(): Promise<void> {
  return new Promise(() => {});
}

function workerOf(phase: FaultPhase): number | undefined {
  return WORKER_PHASES.includes(phase) ? VICTIM : undefined;
}

function hooked(phase: FaultPhase): Record<'abort' | 'throw' | '2 throw', Injector> {
  return {
    abort: async (sandbox) => {
      const render = new FaultyRender(sandbox, phase, {
        act: ({ controller, reason }) => {
          controller.abort(reason);
          return forever();
        },
      });
      const { error, receipt, events } = await render.fail();
      assert.equal(error, render.reason, "the signal's reason itself");
      assert.equal(receipt.reason, 'user');
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
      return 'A';
    },

    throw: async (sandbox) => {
      const render = new FaultyRender(sandbox, phase, { act: ({ thrown }) => Promise.reject(thrown) });
      const { error, receipt, events } = await render.fail();
      assert.equal(error, render.thrown, 'the very error');
      assert.equal(receipt.reason, 'worker');
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, []);
      return 'E';
    },

    // Where there is one worker's work only, the second failure is a listener's.
    '2 throw': async (sandbox) => {
      const strike: Strike = {
        both: true,
        act: (render) => {
          if (WORKER_PHASES.includes(phase)) render.release(render.second);
          return Promise.reject(render.thrown);
        },
        onEvent: (event, { second }) => {
          if (!WORKER_PHASES.includes(phase) && event.type === 'state' && event.state === 'failing') throw second;
        },
      };
      // The sibling's rejection is seen first: its error is the first.
      const render = new FaultyRender(sandbox, phase, strike);
      const { error, events } = await render.fail();
      const errors = new Set<unknown>([render.thrown, render.second]);
      assert.ok(errors.delete(error), `one of the two: ${String(error)}`);
      assert.deepEqual(eventsOf(events, 'stopped')[0]!.suppressed, [...errors]);
      return '2';
    },
  };
}

async function crash(render: FaultyRender): Promise<Outcome> {
  const { error } = await render.fail();
  const kind = render.phase === 'launch' ? [ToolError, BrowserCrashError] : [BrowserCrashError];
  assert.ok(
    kind.some((type) => error instanceof type),
    String(error),
  );
  assert.equal((error as BrowserCrashError).position.worker, VICTIM);
  return 'E';
}

async function stall(render: FaultyRender, deadlineMs: number, ...phases: FaultPhase[]): Promise<Outcome> {
  const { error, receipt } = await render.fail();
  assert.ok(error instanceof StallError, String(error));
  const { phase } = error.position;
  assert.ok(phase && (phases.length > 0 ? phases : [render.phase]).includes(phase), `in phase ${phase}`);
  assert.equal(error.position.worker, workerOf(phase));
  assert.equal(error.deadlineMs, deadlineMs);
  assert.equal(receipt.reason, 'stall');
  assert.ok(error.message.includes(`(${phase})`), error.message);
  return 'W';
}

async function encoderFails(render: FaultyRender): Promise<Outcome> {
  const { error } = await render.fail();
  assert.ok(error instanceof EncoderError, String(error));
  assert.equal(error.position.worker, workerOf(render.phase));
  return 'E';
}

/** The deadline of one phase alone is short. */
function short(phase: FaultPhase, ms: number): Partial<DistributedRenderOptions> {
  return { deadlines: { [phase]: ms } };
}

/** Calls `act` when the victim's process of this role, or the whole render's, starts: in the tick of its spawn. */
function atStart(role: string, phase: FaultPhase, act: (render: FaultyRender) => void): NonNullable<Strike['onEvent']> {
  return (event, render) => {
    if (event.type !== 'process' || event.state !== 'started' || event.role !== role) return;
    if (event.worker !== workerOf(phase) || render.struck) return;
    render.struck = true;
    act(render);
  };
}

/** Looks for a process of the victim's browser, which appears some time after its start. */
async function whenThere(render: FaultyRender, kind: 'browser' | 'page', signal: NodeJS.Signals): Promise<void> {
  while (!render.over) {
    const pid = findMember(render.leader('browser'), kind);
    if (pid !== undefined) {
      process.kill(pid, signal);
      return;
    }
    await setImmediate();
  }
}

const LAUNCH: Partial<Record<FaultEvent, Injector>> = {
  'browser crash': (sandbox) =>
    crash(
      new FaultyRender(sandbox, 'launch', {
        onEvent: atStart('browser', 'launch', (render) => void whenThere(render, 'browser', 'SIGKILL')),
      }),
    ),
  'renderer kill': (sandbox) =>
    crash(
      new FaultyRender(sandbox, 'launch', {
        onEvent: atStart('browser', 'launch', (render) => void whenThere(render, 'page', 'SIGKILL')),
      }),
    ),
  // No script of ours runs before the page is loaded: its process is stopped, so that it answers nothing. On a busy
  // machine it may be prepared before it is found.
  'page loop': (sandbox) =>
    stall(
      new FaultyRender(sandbox, 'launch', {
        options: { deadlines: { launch: 4000, load: 4000 } },
        onEvent: atStart('browser', 'launch', (render) => void whenThere(render, 'page', 'SIGSTOP')),
      }),
      4000,
      ...(['launch', 'load'] as const),
    ),
  STOP: (sandbox) =>
    stall(
      new FaultyRender(sandbox, 'launch', {
        options: short('launch', 500),
        onEvent: atStart('browser', 'launch', (render) => render.stop('browser')),
      }),
      500,
    ),
};

/** While a page is being drawn, from its load to the last frame. */
function drawing(phase: 'load' | 'seek' | 'capture' | 'encode'): Partial<Record<FaultEvent, Injector>> {
  return {
    'browser crash': (sandbox) =>
      crash(new FaultyRender(sandbox, phase, { act: (render) => render.kill('browser', 'browser') })),
    'renderer kill': (sandbox) =>
      crash(new FaultyRender(sandbox, phase, { act: (render) => render.kill('browser', 'page') })),
    'page loop': (sandbox) => pageLoop(sandbox, phase),
    STOP: (sandbox) =>
      stall(
        new FaultyRender(sandbox, phase, {
          first: true,
          // Planes are more than a pipe has room for: the encoder must take them.
          options: { ...short(phase, 300), mode: 'compositor', width: 640, height: 360 },
          act: (render) => render.stop(phase === 'encode' ? 'encoder' : 'browser'),
        }),
        300,
      ),
    'ffmpeg kill': (sandbox) =>
      encoderFails(new FaultyRender(sandbox, phase, { act: (render) => render.kill('encoder', 'ffmpeg') })),
  };
}

async function pageLoop(sandbox: Sandbox, phase: 'load' | 'seek' | 'capture' | 'encode'): Promise<Outcome> {
  if (phase === 'encode') return loopAtWord(sandbox, phase);
  const deadline = 300;
  const url = phase === 'load' ? sandbox.page('<!doctype html><script>for (;;);</script>') : COUNTER;
  const loopAt = phase === 'seek' ? 0 : 10;
  const options = { ...short(phase, deadline), inputProps: { loopAt } };
  return stall(new FaultyRender(sandbox, phase, { first: true, url, options, act: () => {} }), deadline);
}

/** The victim's page begins to loop when the test says so, whatever the render does at that moment. */
async function loopAtWord(sandbox: Sandbox, phase: 'encode' | 'drain'): Promise<Outcome> {
  const html = `<!doctype html><script>
    const words = new EventSource('word');
    genlock.waitUntil(new Promise((listening) => { words.onopen = listening; }));
    words.onmessage = () => {
      if (genlock.frame < 10) return;
      const request = new XMLHttpRequest();
      request.open('GET', 'looping', false);
      request.send();
      for (;;);
    };
  </script>`;
  const listeners = new Set<{ write(text: string): unknown }>();
  const looping = deferred();
  await using server = await Server.start((request, response) => {
    const isStream = request.url === '/word';
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'text/html' });
    if (request.url === '/looping') looping.resolve();
    if (!isStream) response.end(html);
    else {
      response.flushHeaders();
      listeners.add(response);
    }
  });
  const deadline = 3000;
  const render: FaultyRender = new FaultyRender(sandbox, phase, {
    url: server.url('page.html'),
    // The page answers nothing any more when it is asked for its next frame.
    options: short('capture', deadline),
    act: () => {
      for (const listener of listeners) listener.write('data: loop\n\n');
      // A page that hears the word late has drawn its last frames by then, and nobody asks it for another one.
      if (phase === 'encode') return looping.promise;
      // Its browser is being ended: it may never hear it.
      render.release();
      return undefined;
    },
  });
  return phase === 'drain' ? await render.succeed() : await stall(render, deadline, 'capture');
}

/** After the last frame the browser is not needed any more. */
const DRAIN: Partial<Record<FaultEvent, Injector>> = {
  'browser crash': (sandbox) => unaffected(sandbox, 'browser'),
  'renderer kill': (sandbox) => unaffected(sandbox, 'page'),
  'page loop': (sandbox) => loopAtWord(sandbox, 'drain'),
  STOP: (sandbox) =>
    stall(
      new FaultyRender(sandbox, 'drain', {
        options: short('drain', 300),
        act: (render) => render.stop('encoder'),
      }),
      300,
    ),
  'ffmpeg kill': (sandbox) =>
    encoderFails(new FaultyRender(sandbox, 'drain', { act: (render) => render.kill('encoder', 'ffmpeg') })),
};

function unaffected(sandbox: Sandbox, kind: 'browser' | 'page'): Promise<Outcome> {
  const render = new FaultyRender(sandbox, 'drain', {
    act: () => {
      // It may have been ended already.
      const pid = findMember(render.leader('browser'), kind);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      render.release();
    },
  });
  return render.succeed();
}

/** A process that starts and ends within its phase is struck in the tick of its spawn. */
function running(phase: 'verify' | 'concat', role: string): Partial<Record<FaultEvent, Injector>> {
  // The chunks are verified under the deadline of the join.
  const deadline = phase === 'verify' ? 500 : 3000;
  return {
    STOP: (sandbox) =>
      stall(
        new FaultyRender(sandbox, phase, {
          options: short(phase, deadline),
          onEvent: atStart(role, phase, (render) => render.stop(role)),
        }),
        deadline,
      ),
    'ffmpeg kill': (sandbox) =>
      encoderFails(
        new FaultyRender(sandbox, phase, {
          onEvent: atStart(role, phase, (render) => process.kill(-render.leader(role), 'SIGKILL')),
        }),
      ),
  };
}

/** Runs with TMPDIR and the output on a small disk of their own. */
async function onSmallDisk(sandbox: Sandbox, work: (disk: SmallDisk) => Promise<Outcome>): Promise<Outcome> {
  const disk = SmallDisk.mount(sandbox.root);
  if (!disk) throw new NotHere('no file system may be mounted');
  return await work(sandbox.own(disk));
}

/** A fault that does nothing, on a small disk: once the victim has finished, nothing happens any more. */
export function withoutFault(sandbox: Sandbox, whenFinished: () => void): Promise<Outcome> {
  return onSmallDisk(sandbox, async () => {
    const render = new FaultyRender(sandbox, 'encode', {
      act: () => {},
      onEvent: (event) => {
        if (event.type === 'phase' && event.phase === 'commit' && event.worker === VICTIM) whenFinished();
      },
    });
    await render.fail();
    return 'E';
  });
}

function isDiskFull(error: unknown): boolean {
  return error instanceof EncoderError || (error as NodeJS.ErrnoException).code === 'ENOSPC';
}

/**
 * Pictures of which ten have 3 MB when they are encoded with care. A small chunk could be finished on a
 * full disk: the end of its browser frees the 1.2 MB of a profile.
 */
const LARGE = { width: 640, height: 360, crf: 1 };
const NOISE = `<!doctype html><body style="margin:0"><canvas width="640" height="360"></canvas><script>
  const context = document.querySelector('canvas').getContext('2d');
  const picture = context.createImageData(640, 360);
  requestAnimationFrame(function draw() {
    for (let at = 0; at < picture.data.length; at++) picture.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
    context.putImageData(picture, 0, 0);
    requestAnimationFrame(draw);
  });
</script>`;

function diskFull(phase: FaultPhase): Injector {
  return (sandbox) =>
    onSmallDisk(sandbox, async (disk) => {
      const render = new FaultyRender(sandbox, phase, {
        url: sandbox.page(NOISE, 'noise.html'),
        // The list of hashes is what is written in the commit before the rename.
        options: { ...LARGE, ...(phase === 'commit' ? { frameHashes: join(sandbox.root, 'hashes.txt') } : {}) },
        act: phase === 'commit' ? undefined : () => disk.fill(),
        onEvent: (event, self) => {
          if (phase === 'commit' && event.type === 'phase' && event.phase === phase && event.worker === undefined) {
            self.struck = true;
            disk.fill();
          }
          if (event.type === 'stopped') disk.free();
        },
      } as Strike);
      const { error } = await render.fail();
      assert.ok(isDiskFull(error), String(error));
      return 'E';
    });
}

/** Before a render has begun, there is nothing of it to be stopped. */
const QUEUED: Partial<Record<FaultEvent, Injector>> = {
  abort: async (sandbox) => {
    const reason = new Error('before it began');
    const destination = sandbox.destination('out.mp4');
    const told: unknown[] = [];
    const job = {
      signal: AbortSignal.abort(reason),
      onEvent: (event: RenderEvent) => told.push(event),
      hooks: { at: (position: Position) => void told.push(position) },
    };
    const [outcome] = await Promise.allSettled([RenderOrchestrator.render(COUNTER, destination, TWO_WORKERS, job)]);
    sandbox.assertNothingLeft(destination, job.signal);
    assert.equal((outcome as PromiseRejectedResult).reason, reason);
    assert.deepEqual(told, [], 'nothing ever started');
    return 'A';
  },

  'disk full': (sandbox) =>
    onSmallDisk(sandbox, async (disk) => {
      const onEvent = (event: RenderEvent) => {
        if (event.type === 'state' && event.state === 'running') disk.fill();
        if (event.type === 'stopped') disk.free();
      };
      const { error, events } = await fail(sandbox, COUNTER, {}, { onEvent });
      assert.ok(isDiskFull(error), String(error));
      assert.deepEqual(eventsOf(events, 'process'), []);
      return 'E';
    }),
};

const VALIDATE: Partial<Record<FaultEvent, Injector>> = {
  abort: async (sandbox) => {
    const destination = sandbox.destination('out.mp4');
    const controller = new AbortController();
    const reason = new Error('the user says stop');
    await using server = await Server.start(() => controller.abort(reason));
    const [outcome] = await Promise.allSettled([readComposition(server.url(''), { signal: controller.signal })]);
    sandbox.assertNothingLeft(destination, controller.signal);
    assert.equal((outcome as PromiseRejectedResult).reason, reason);
    return 'A';
  },

  throw: async (sandbox) => {
    const destination = sandbox.destination('out.mp4');
    const told: RenderEvent[] = [];
    const options = { ...TWO_WORKERS, fps: -1, concurrency: 0 };
    const onEvent = (event: RenderEvent) => void told.push(event);
    const [outcome] = await Promise.allSettled([RenderOrchestrator.render(COUNTER, destination, options, { onEvent })]);
    sandbox.assertNothingLeft(destination);
    const error: unknown = (outcome as PromiseRejectedResult).reason;
    assert.ok(error instanceof OptionsError && error.problems.length === 2, String(error));
    assert.deepEqual(told, []);
    return 'E';
  },

  'disk full': (sandbox) =>
    onSmallDisk(sandbox, async (disk) => {
      const destination = sandbox.destination('out.mp4');
      disk.fill();
      const { code, last } = await runCli(sandbox, { page: COUNTER, destination });
      disk.free();
      sandbox.assertNothingLeft(destination);
      assert.equal(code, 1);
      assert.equal(last['type'], 'error');
      assert.match(String(last['message']), /ENOSPC/);
      return 'E';
    }),
};

/** Interrupts the real command line once it is held at the place. */
function interrupted(phase: FaultPhase, signal: 'SIGINT' | 'SIGTERM'): Injector {
  return async (sandbox) => {
    const destination = sandbox.destination('out.mp4');
    const { code, lines, interruptible } = await interruptCli(sandbox, {
      phase,
      place: { worker: null, ...placeOf(phase, false) },
      page: COUNTER,
      destination,
      signal,
    });
    sandbox.assertNothingLeft(destination);
    assert.ok(interruptible, 'it was interrupted where it was held');
    assert.equal(code, signal === 'SIGINT' ? 130 : 143);
    const states = lines.filter(({ type }) => type === 'state').map(({ state }) => state);
    if (phase !== 'queued' && phase !== 'validate') {
      assert.deepEqual(states.slice(-2), ['cancelling', 'cancelled']);
      const stopped = lines.find(({ type }) => type === 'stopped') as unknown as { receipt: { leftovers: unknown[] } };
      assert.deepEqual(stopped.receipt.leftovers, []);
    } else assert.deepEqual(states, [], 'nothing ever started');
    return signal === 'SIGINT' ? 'I' : 'T';
  };
}

/** Kills the real command line, and nothing else, once it is held at the place. */
function hostKilled(phase: FaultPhase): Injector {
  return async (sandbox) => {
    const destination = sandbox.destination('out.mp4');
    const { interruptible } = await interruptCli(sandbox, {
      phase,
      place: { worker: null, ...placeOf(phase, false) },
      page: COUNTER,
      destination,
      signal: 'SIGKILL',
    });
    assert.ok(interruptible, 'it was killed where it was held');
    await sandbox.emptied();
    sandbox.assertNothingLeft(destination);
    return 'G';
  };
}

/** An abort before the rename stops the commit; one after it changes nothing. */
async function abortedCommit(sandbox: Sandbox): Promise<Outcome> {
  const before = await hooked('commit').abort(sandbox);
  const controller = new AbortController();
  const destination = sandbox.destination('out.mp4');
  const old = readFileSync(destination);
  const rendering = succeed(sandbox, COUNTER, {}, { signal: controller.signal });
  let running = true;
  void rendering.finally(() => (running = false)).catch(() => {});
  while (running && readFileSync(destination).equals(old)) await setImmediate();
  controller.abort(new Error('too late'));
  const { events } = await rendering;
  assert.equal(eventsOf(events, 'state').at(-1)!.state, 'succeeded');
  return before;
}

const BY_PHASE: Partial<Record<FaultPhase, Partial<Record<FaultEvent, Injector>>>> = {
  queued: QUEUED,
  validate: VALIDATE,
  launch: LAUNCH,
  load: drawing('load'),
  seek: drawing('seek'),
  capture: drawing('capture'),
  encode: drawing('encode'),
  drain: DRAIN,
  verify: running('verify', 'probe'),
  concat: running('concat', 'concat'),
  commit: { abort: abortedCommit },
};

/** How to put this fault into a render in this phase; undefined when nobody knows. */
export function injectorOf(phase: FaultPhase, event: FaultEvent): Injector | undefined {
  const own = BY_PHASE[phase]?.[event];
  if (own) return own;
  if (event === '^C') return interrupted(phase, 'SIGINT');
  if (event === 'TERM') return interrupted(phase, 'SIGTERM');
  if (event === 'KILL Node') return hostKilled(phase);
  if (phase === 'queued' || phase === 'validate') return undefined;
  if (event === 'abort' || event === 'throw' || event === '2 throw') return hooked(phase)[event];
  if (event === 'disk full') return diskFull(phase);
  return undefined;
}
