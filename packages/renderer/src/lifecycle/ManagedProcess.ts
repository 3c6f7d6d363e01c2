import { ChildProcess, spawn, type SpawnOptions, type StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { attempt, wordsOf } from '../unknowns.js';
import { currentRecord } from './host/HostRecord.js';
import { TOKEN_VARIABLE } from './host/owner.js';
import { endOfCommand, hasNamespace, type ProcessEnd } from './howItEnded.js';
import { retryRemoval } from './leftovers.js';
import { afterDeadline, Deadline } from './Deadline.js';
import { groupExists, killGroup, killProcess, livingMembers, onlyChild, readStat } from './processGroup.js';

/** Whose a process is. */
export interface ProcessOwner {
  /** Kills the process group in the tick in which it aborts; already aborted, it refuses to start. */
  signal?: AbortSignal | undefined;
  onEnd?: (process: ManagedProcess, end: ProcessEnd) => void;
}

export interface ProcessOptions extends ProcessOwner {
  /** What the process is for: `browser`, `encoder`. Told in events and receipts. */
  role: string;
  /** Runs the command through this one, which ties it to this process (see hardening.ts). */
  wrapper?: readonly string[];
  /** For the guardian alone: nothing ends it but itself, its disposal, and a SIGKILL from outside. */
  outlivesHost?: boolean;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Default: no input, no output, standard error kept for messages. */
  stdio?: StdioOptions;
  onStart?: (process: ManagedProcess) => void;
}

/** Bytes of standard error that are kept for messages. */
const STDERR_TAIL = 8 * 1024;
/** How long the kernel may take to end a killed group, in milliseconds. Measured: 5 to 40. */
const GROUP_END_MS = 1000;

/** Before somebody who could not look whether something lives looks again, in milliseconds. */
const LOOK_AGAIN_MS = 20;

/** How long the pipes may stay open after their process ended before it is looked who holds them. */
const STRAGGLER_MS = 20;

/** How long the end of a PID namespace may take until its members are killed one by one. */
const NAMESPACE_END_MS = 500;

const live = new Set<ManagedProcess>();
let ending = false;

/**
 * The only place that starts processes. Each one leads a process group of its own, so that one
 * SIGKILL ends it with all its children, in the same tick as the abort.
 */
export class ManagedProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly role: string;
  /** The command, without its wrapper. */
  readonly command: string;
  /** Resolves when the process and every member of its group is gone and its pipes are closed. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  #startTime: string | undefined;
  readonly #wrapper: readonly string[];
  /** Nothing of it can outlive its leader: there is no need to look for that. */
  readonly #endsAsOne: boolean;
  #owner: ProcessOwner = {};
  #keepsAlive = true;
  #stderr = '';
  #exited = false;
  #closed = false;
  /** Ends the look for who holds the pipes of a process that has ended. */
  #endStraggling = (): void => {};
  #endNamespace: (() => void) | undefined;
  #error: NodeJS.ErrnoException | undefined;

  /** Throws `signal.reason` when the signal is aborted. A command that cannot start shows in `ended`. */
  static start(command: string, args: readonly string[], options: ProcessOptions): ManagedProcess {
    options.signal?.throwIfAborted();
    if (ending) throw new Error('this Node process is about to end: nothing more is started in it');
    return new ManagedProcess(command, args, options);
  }

  private constructor(command: string, args: readonly string[], options: ProcessOptions) {
    this.role = options.role;
    this.command = command;
    this.#wrapper = options.wrapper ?? [];
    this.#endsAsOne = this.#hasNamespace || options.outlivesHost === true;
    const record = options.outlivesHost ? undefined : currentRecord();
    const [file, ...rest] = [...this.#wrapper, command, ...args] as [string, ...string[]];
    this.child = spawnSafely(file, rest, {
      stdio: options.stdio ?? ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { ...(options.env ?? process.env), ...(record ? { [TOKEN_VARIABLE]: record.owner.token } : {}) },
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    // First of all: an error that nobody hears ends this whole process.
    this.child.on('error', (error) => {
      this.#error = error;
    });
    // A pipe to a dead process fails with EPIPE; its end is reported through `ended`.
    for (const stream of this.pipes) stream?.on('error', () => {});
    this.#readStartTime();
    if (this.pid !== undefined) record?.add({ group: this.pid, startTime: this.#startTime });
    (this.child.stderr as Readable | null | undefined)?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.child.once('exit', () => {
      this.#exited = true;
      this.#endNamespace?.();
      // What outlives its leader would keep working, and hold the pipes open.
      this.#killMembers();
      this.#endStraggling = afterDeadline(STRAGGLER_MS, () => void this.#endStragglers());
    });

    if (!options.outlivesHost) live.add(this);
    this.belongTo({ signal: options.signal, ...(options.onEnd ? { onEnd: options.onEnd } : {}) });
    this.ended = this.#watch().then((end) => {
      const forget = () => {
        live.delete(this);
        if (this.pid !== undefined) record?.add({ ended: this.pid });
      };
      if (end.survivors.length === 0 && end.unseen === undefined) forget();
      else retryRemoval(() => this.#isGone(forget));
      const { onEnd } = this.#owner;
      this.belongTo({});
      onEnd?.(this, end);
      return end;
    });
    if (this.child.pid !== undefined) options.onStart?.(this);
  }

  /** Undefined when the command could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** What it reads from and writes to, in the order of `stdio`. Empty where it could not even be given any. */
  get pipes(): readonly (Readable | Writable | null | undefined)[] {
    // Node does not make them where too many files are open, whatever its types say.
    return this.child.stdio ?? [];
  }

  /** Gives the process, while it runs, to an owner, with whose signal it dies from now on, and who is told of its end. */
  belongTo(owner: ProcessOwner): void {
    this.#owner.signal?.removeEventListener('abort', this.#onAbort);
    this.#owner = owner;
    owner.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (owner.signal?.aborted) this.kill();
  }

  readonly #onAbort = (): void => this.kill();

  /** Whether this Node process stays alive for as long as this one runs. True unless something else is said. */
  keepAlive(yes: boolean): void {
    if (yes === this.#keepsAlive) return;
    this.#keepsAlive = yes;
    const handles = [this.child, ...this.pipes] as (Partial<Pick<ChildProcess, 'ref' | 'unref'>> | null)[];
    for (const handle of handles) handle?.[yes ? 'ref' : 'unref']?.();
  }

  /** Sends SIGKILL to the whole group, now. Harmless when it is gone. */
  kill(): void {
    if (!this.#exited) this.#readStartTime();
    if (this.#exited) this.#killMembers();
    else if (this.pid !== undefined && !this.#killNamespace(this.pid) && !killGroup(this.pid)) {
      this.child.kill('SIGKILL');
    }
  }

  get #hasNamespace(): boolean {
    return hasNamespace(this.#wrapper);
  }

  /**
   * Kills the first process of a PID namespace: the kernel then ends all others, reaps them, and only
   * then lets `unshare`, which leads our group, see that one's end. False where there is none (yet).
   */
  #killNamespace(leader: number): boolean {
    const first = this.#hasNamespace ? onlyChild(leader) : undefined;
    if (first === undefined) return false;
    killProcess(first);
    // It may have been stopped; it has to see the end of its child.
    this.child.kill('SIGCONT');
    this.#endNamespace ??= afterDeadline(NAMESPACE_END_MS, () => killGroup(leader));
    return true;
  }

  /** Kills the group and waits until nothing of it is left. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.keepAlive(true);
    this.kill();
    await this.ended;
  }

  async #watch(): Promise<ProcessEnd> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      this.child.once('close', (...end) => resolve(end));
    });
    this.#closed = true;
    this.#endStraggling();
    const ended = { code, signal, stderr: this.#stderr, ...(this.#error ? { error: this.#error } : {}) };
    return { ...endOfCommand(ended, this.#wrapper), ...(await this.#groupEnd()) };
  }

  /** Somebody holds the pipes open: ends them, or lets go of the pipes, so that `ended` always comes. */
  async #endStragglers(): Promise<void> {
    await this.#sweep().catch(() => {});
    if (this.#closed) return;
    this.#endStraggling = afterDeadline(GROUP_END_MS, () => {
      for (const stream of this.pipes) stream?.destroy();
    });
  }

  async #groupEnd(): Promise<Pick<ProcessEnd, 'survivors' | 'unseen'>> {
    const deadline = new Deadline(GROUP_END_MS);
    if (this.#endsAsOne && this.pid !== undefined && !groupExists(this.pid)) return { survivors: [] };
    for (;;) {
      try {
        const survivors = await this.#sweep();
        if (survivors.length === 0 || deadline.isOver) return { survivors };
      } catch (error) {
        if (deadline.isOver) return { survivors: [], unseen: wordsOf(error) };
        await setTimeout(LOOK_AGAIN_MS);
      }
    }
  }

  /** For what was left when it ended: kills that, and tells when it is gone. */
  async #isGone(forget: () => void): Promise<boolean> {
    const survivors = await this.#sweep().catch(() => undefined);
    if (survivors?.length !== 0) return false;
    forget();
    return true;
  }

  /** After the leader is gone: kills and returns what still lives in its group or session. Rejects where nobody can look. */
  async #sweep(): Promise<number[]> {
    if (this.pid === undefined || this.#isReused()) return [];
    const members = await livingMembers(this.pid);
    for (const member of members) killProcess(member);
    return members;
  }

  #killMembers(): void {
    // Where nobody can look, it has just ended: its pid is no stranger's yet.
    if (this.pid !== undefined && !attempt(() => this.#isReused())) killGroup(this.pid);
  }

  /** With the pid it names the process for good. Tried again where it could not be read at the start. */
  #readStartTime(): void {
    if (this.pid !== undefined) this.#startTime ??= attempt(() => readStat(this.pid!))?.startTime;
  }

  /** Whether the system has given the pid to a stranger, who may now lead a group of that number. */
  #isReused(): boolean {
    const stat = readStat(this.pid!);
    return stat !== undefined && this.#startTime !== undefined && stat.startTime !== this.#startTime;
  }
}

/** As `spawn`, which throws in some cases: this never does. What cannot be started tells `error`, and then `close`. */
function spawnSafely(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(file, args, options);
  } catch (error) {
    const child = new ChildProcess();
    process.nextTick(() => {
      child.emit('error', error);
      child.emit('close', null, null);
    });
    return child;
  }
}

/** Sends SIGKILL to everything that this Node process has started, now and without waiting. */
export function killAllProcesses(): void {
  for (const process of live) process.kill();
}

/** The same, for good: nothing is started after it, not even what was on its way. */
export function endAllProcesses(): void {
  ending = true;
  killAllProcesses();
}
