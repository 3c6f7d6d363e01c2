import { ChildProcess, spawn, type SpawnOptions, type StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { attempt, messageOf } from '../unknowns.js';
import { currentRecord } from './host/HostRecord.js';
import { TOKEN_VARIABLE } from './host/owner.js';
import { endOfCommand, hasNamespace, type ProcessEnd } from './howItEnded.js';
import { retryRemoval } from './leftovers.js';
import { afterDeadline, Deadline } from './Deadline.js';
import { groupExists, killGroup, killProcess, livingMembers, onlyChild, readStat } from './processGroup.js';

/** The owner of a process. */
export interface ProcessOwner {
  /** Kills the process group in the tick of its abort. If it is already aborted, the process does not start. */
  signal?: AbortSignal | undefined;
  onEnd?: (process: ManagedProcess, end: ProcessEnd) => void;
}

export interface ProcessOptions extends ProcessOwner {
  /** What the process is for: `browser`, `encoder`. Appears in events and receipts. */
  role: string;
  /** A command through which to run this one, which ties it to this Node process (see hardening.ts). */
  wrapper?: readonly string[];
  /** For the guardian only: neither an abort nor the end of this Node process ends it. */
  outlivesHost?: boolean;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Default: no input and no output; standard error is kept for messages. */
  stdio?: StdioOptions;
  onStart?: (process: ManagedProcess) => void;
}

/** Bytes of standard error that are kept for messages. */
const STDERR_TAIL = 8 * 1024;
/** How long the kernel may take to end a killed group, in milliseconds. Measured: 5 to 40. */
const GROUP_END_MS = 1000;

/** Pause before looking for living processes again if that was impossible, in milliseconds. */
const LOOK_AGAIN_MS = 20;

/** How long pipes may stay open after their process has ended before whoever holds them is killed, in milliseconds. */
const STRAGGLER_MS = 20;

/** How long a PID namespace may take to end before its members are killed one by one, in milliseconds. */
const NAMESPACE_END_MS = 500;

const live = new Set<ManagedProcess>();
let ending = false;

/**
 * The only place that starts processes. Each process leads its own process group, so that one SIGKILL ends it with
 * all its children, in the same tick as the abort.
 */
export class ManagedProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly role: string;
  /** The command, without its wrapper. */
  readonly command: string;
  /** Resolves when the process and every member of its group are gone and its pipes are closed. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  #startTime: string | undefined;
  readonly #wrapper: readonly string[];
  /** Whether nothing can outlive the group's leader, so that there is no need to look for survivors. */
  readonly #endsAsOne: boolean;
  #owner: ProcessOwner = {};
  #keepsAlive = true;
  #stderr = '';
  #exited = false;
  #closed = false;
  /** Cancels the timer for processes that still hold the pipes. */
  #endStraggling = (): void => {};
  #endNamespace: (() => void) | undefined;
  #error: NodeJS.ErrnoException | undefined;

  /** Throws `signal.reason` if the signal is aborted. If the command cannot be started, `ended` says so. */
  static start(command: string, args: readonly string[], options: ProcessOptions): ManagedProcess {
    options.signal?.throwIfAborted();
    if (ending) throw new Error('this Node process is about to exit and starts no more processes');
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
    // Added first, because an unhandled error event would end this whole Node process.
    this.child.on('error', (error) => {
      this.#error = error;
    });
    // Pipes to a dead process fail with EPIPE. The end of the process is reported through `ended`.
    for (const stream of this.pipes) stream?.on('error', () => {});
    this.#readStartTime();
    if (this.pid !== undefined) record?.add({ group: this.pid, startTime: this.#startTime });
    (this.child.stderr as Readable | null | undefined)?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.child.once('exit', () => {
      this.#exited = true;
      this.#endNamespace?.();
      // Children that outlive their leader would keep working and hold the pipes open.
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

  /** Undefined if the command could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Its standard streams, in the order of `stdio`. Empty if they could not be opened. */
  get pipes(): readonly (Readable | Writable | null | undefined)[] {
    // If too many files are open, Node leaves `stdio` undefined, despite its types.
    return this.child.stdio ?? [];
  }

  /** Gives the running process to an owner. From now on, the owner's signal kills it and the owner's `onEnd` is called. */
  belongTo(owner: ProcessOwner): void {
    this.#owner.signal?.removeEventListener('abort', this.#onAbort);
    this.#owner = owner;
    owner.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (owner.signal?.aborted) this.kill();
  }

  readonly #onAbort = (): void => this.kill();

  /** Sets whether the process keeps this Node process alive. Default true. */
  keepAlive(yes: boolean): void {
    if (yes === this.#keepsAlive) return;
    this.#keepsAlive = yes;
    const handles = [this.child, ...this.pipes] as (Partial<Pick<ChildProcess, 'ref' | 'unref'>> | null)[];
    for (const handle of handles) handle?.[yes ? 'ref' : 'unref']?.();
  }

  /** Sends SIGKILL to the whole group, now. Does nothing if it is gone. */
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
   * Kills the first process of a PID namespace. The kernel then ends and reaps all others before `unshare`, which
   * leads our group, sees the end of the first one. False if there is no such process (yet).
   */
  #killNamespace(leader: number): boolean {
    const first = this.#hasNamespace ? onlyChild(leader) : undefined;
    if (first === undefined) return false;
    killProcess(first);
    // `unshare` may have been suspended, and must run to see the end of its child.
    this.child.kill('SIGCONT');
    this.#endNamespace ??= afterDeadline(NAMESPACE_END_MS, () => killGroup(leader));
    return true;
  }

  /** Kills the group and waits until nothing is left of it. Never throws. */
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

  /** Kills processes that still hold the pipes, or else closes our ends, so that `ended` always resolves. */
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
        if (deadline.isOver) return { survivors: [], unseen: messageOf(error) };
        await setTimeout(LOOK_AGAIN_MS);
      }
    }
  }

  /** Kills the survivors of a process that has ended. True once they are gone. */
  async #isGone(forget: () => void): Promise<boolean> {
    const survivors = await this.#sweep().catch(() => undefined);
    if (survivors?.length !== 0) return false;
    forget();
    return true;
  }

  /** Kills and returns what lives on in the group or session of a dead leader. Rejects if that cannot be found out. */
  async #sweep(): Promise<number[]> {
    if (this.pid === undefined || this.#isReused()) return [];
    const members = await livingMembers(this.pid);
    for (const member of members) killProcess(member);
    return members;
  }

  #killMembers(): void {
    // If that cannot be found out: the process has only just ended, so its pid is not in use again yet.
    if (this.pid !== undefined && !attempt(() => this.#isReused())) killGroup(this.pid);
  }

  /** Together with the pid, the start time identifies the process. Reading it is retried if it failed at the start. */
  #readStartTime(): void {
    if (this.pid !== undefined) this.#startTime ??= attempt(() => readStat(this.pid!))?.startTime;
  }

  /** Whether the system has reused the pid for another process, which may now lead a group of that number. */
  #isReused(): boolean {
    const stat = readStat(this.pid!);
    return stat !== undefined && this.#startTime !== undefined && stat.startTime !== this.#startTime;
  }
}

/** Like `spawn`, but never throws. If a process cannot be started, it emits `error` and then `close`. */
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

/** Sends SIGKILL to every process that this Node process has started, now and without waiting. */
export function killAllProcesses(): void {
  for (const process of live) process.kill();
}

/** The same, and refuses to start any process from now on. */
export function endAllProcesses(): void {
  ending = true;
  killAllProcesses();
}
