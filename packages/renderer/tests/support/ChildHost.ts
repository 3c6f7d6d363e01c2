import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { DistributedRenderOptions, RenderEvent } from '../../src/index.js';
import { killProcess, livingMembersNow } from '../../src/lifecycle/processGroup.js';
import { allProcesses } from './processes.js';
import { TWO_WORKERS } from './renders.js';
import type { Sandbox } from './Sandbox.js';

type HostEvent = RenderEvent | { type: 'at'; phase: string };

/** Between two looks at what is left, in milliseconds. */
const POLL_MS = 5;

/** A render in a Node process of its own, which can be killed like a process of a stranger. */
export class ChildHost implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly groups = new Set<number>();
  readonly #waiting = new Set<(event: HostEvent) => void>();
  readonly ended: Promise<unknown>;

  constructor(
    readonly sandbox: Sandbox,
    url: string,
    output: string,
    options: Partial<DistributedRenderOptions> & { then?: string } = {},
    name = 'renderHost.mjs',
  ) {
    const script = join(import.meta.dirname, name);
    const all = JSON.stringify({ ...TWO_WORKERS, ...options });
    this.child = spawn(process.execPath, [script, url, output, all], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: sandbox.root },
    });
    this.ended = once(this.child, 'close');
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const event = JSON.parse(line) as HostEvent;
      if (event.type === 'process' && event.state === 'started') this.groups.add(event.pid);
      for (const look of this.#waiting) look(event);
    });
  }

  /** Resolves at the first event from now on that matches. */
  until(matches: (event: HostEvent) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (event: HostEvent) => {
        if (!matches(event)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Ends the host as a stranger would, and waits until it is gone; what it started may live. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Pids of the guardians of this sandbox's hosts. */
  guardians(): number[] {
    return guardiansIn(this.sandbox);
  }

  /** What is left of the host, in words: processes first, then files other than `destinations`. */
  left(destinations: readonly string[]): string[] {
    const alive = [...this.groups].flatMap((group) => livingMembersNow(group)).map((pid) => `process ${pid}`);
    const files = this.sandbox.files().filter((name) => !destinations.includes(join(this.sandbox.root, name)));
    return [...alive, ...this.sandbox.survivors(), ...files];
  }

  /** Waits until nothing of the host is left, at most `ms` milliseconds. Returns what then is left. */
  async gone(destinations: readonly string[], ms: number): Promise<string[]> {
    const giveUp = performance.now() + ms;
    for (;;) {
      const left = this.left(destinations);
      if (left.length === 0 || performance.now() > giveUp) return left;
      await setTimeout(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    for (const group of this.groups) for (const pid of livingMembersNow(group)) killProcess(pid);
    for (const pid of this.guardians()) killProcess(pid);
  }
}

/** Pids of the guardians of hosts whose TMPDIR is this sandbox. */
export function guardiansIn({ root }: Sandbox): number[] {
  return allProcesses()
    .filter(({ args }) => args.some((arg) => arg.endsWith('guardian.js')) && args.some((arg) => arg.startsWith(root)))
    .map(({ pid }) => pid);
}
