import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { RenderEvent } from '../../src/index.js';
import { deferred } from './deferred.js';
import { WITHOUT_HARDENING } from './extent.js';
import type { FaultPhase } from './faultMatrix.js';
import type { Sandbox } from './Sandbox.js';
import { Server } from './server.js';

const LAUNCHER = fileURLToPath(new URL('../../../cli/bin/genlock.js', import.meta.url));
const HOLD = new URL('./holdCli.mjs', import.meta.url).href;
const COMPOSITION = ['--width', '320', '--height', '180', '--fps', '30', '--frames', '0-19', '--duration', '1'];

type Line = Record<string, unknown> & { type: string };

interface Request {
  page: string;
  destination: string;
}

/** The command line at work, with what it has printed. */
class Cli {
  readonly lines: Line[] = [];
  readonly #closed: Promise<number | null>;

  constructor(
    readonly child: ChildProcess,
    sandbox: Sandbox,
  ) {
    let rest = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      for (const part of parts) {
        const line = JSON.parse(part) as Line;
        this.lines.push(line);
        sandbox.watch(line as unknown as RenderEvent);
      }
    });
    const kill = () => void child.kill('SIGKILL');
    sandbox.signal?.addEventListener('abort', kill);
    this.#closed = once(child, 'close').then(([code]) => {
      sandbox.signal?.removeEventListener('abort', kill);
      return code as number | null;
    });
  }

  static start(
    sandbox: Sandbox,
    { page, destination }: Request,
    options: { args?: string[]; place?: Record<string, unknown> } = {},
  ): Cli {
    const { args = [], place } = options;
    const hold = place ? ['--import', HOLD] : [];
    const render = ['render', page, '-o', destination, '--overwrite', '--json', '--concurrency', '2', ...COMPOSITION];
    if (WITHOUT_HARDENING) render.push('--no-hardening');
    const child = spawn(process.execPath, [...hold, LAUNCHER, ...render, ...args], {
      env: { ...process.env, GENLOCK_TEST_HOLD: JSON.stringify(place) },
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    return new Cli(child, sandbox);
  }

  /** Waits until it has ended; resolves with its exit code. */
  end(): Promise<number | null> {
    return this.#closed;
  }

  /** Waits until it is held. Rejects when it ends instead. */
  async held(): Promise<void> {
    await this.orEnd(once(this.child.stdio[3] as Readable, 'data'));
  }

  async orEnd(event: Promise<unknown>): Promise<void> {
    const ended = this.#closed.then((code) => assert.fail(`the command line ended before, with ${code}`));
    await Promise.race([event, ended]);
  }
}

/** Runs the built command line to its end. `last` is the last line that it printed. */
export async function runCli(sandbox: Sandbox, request: Request): Promise<{ code: number | null; last: Line }> {
  const cli = Cli.start(sandbox, request);
  const code = await cli.end();
  return { code, last: cli.lines.at(-1)! };
}

interface Interrupted {
  code: number | null;
  lines: Line[];
  /** Whether it was running, held at the place, when the signal was sent. */
  interruptible: boolean;
}

/** Sends a signal to the built command line once it is held in this phase, and waits for its end. */
export async function interruptCli(
  sandbox: Sandbox,
  options: Request & { phase: FaultPhase; place: Record<string, unknown>; signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' },
): Promise<Interrupted> {
  const { phase, place, signal, destination } = options;
  const interrupt = async (cli: Cli): Promise<Interrupted> => {
    sandbox.look();
    const interruptible = cli.child.exitCode === null && cli.child.kill(signal);
    return { code: await cli.end(), lines: cli.lines, interruptible };
  };

  if (phase === 'validate') {
    // It waits for the page's declaration.
    const asked = deferred();
    await using server = await Server.start(() => asked.resolve());
    const cli = Cli.start(sandbox, { page: server.url(''), destination });
    await cli.orEnd(asked.promise);
    return await interrupt(cli);
  }
  if (phase === 'queued') {
    // It waits for ffmpeg to say what it can, before anything is begun.
    const asked = join(sandbox.inputs, 'asked');
    execFileSync('mkfifo', [asked]);
    const ffmpeg = sandbox.script('ffmpeg', `echo > '${asked}'`, 'exec sleep 1000');
    const cli = Cli.start(sandbox, options, { args: ['--ffmpeg', ffmpeg] });
    try {
      await cli.orEnd(readFile(asked));
    } catch (error) {
      // Who reads it waits for a writer for ever.
      closeSync(openSync(asked, constants.O_WRONLY | constants.O_NONBLOCK));
      throw error;
    }
    return interrupt(cli);
  }
  assert.ok(existsSync(LAUNCHER));
  const cli = Cli.start(sandbox, options, { place });
  await cli.held();
  return interrupt(cli);
}
