import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { currentRecord } from './host/HostRecord.js';
import { TOKEN_VARIABLE } from './host/owner.js';
import { afterPatience, Patience } from './Patience.js';
import { groupExists, killGroup, killProcess, livingMembers, onlyChild, readStat } from './processGroup.js';

/** How a process ended. `error` is set when it could not be started at all. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it wrote to standard error, if that was a pipe. */
  stderr: string;
  error?: NodeJS.ErrnoException;
  /** Pids of its group that lived on after SIGKILL: normally none. */
  survivors: number[];
}

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

/** How long the pipes may stay open after their process ended before it is looked who holds them. */
const STRAGGLER_MS = 20;

/** How long the end of a PID namespace may take until its members are killed one by one. */
const NAMESPACE_END_MS = 500;

/** What util-linux 2.36 to 2.41 write when the child of `unshare --fork` was ended by SIGKILL. */
const UNSHARE_AFTER_KILL = /^unshare: sigprocmask unblock failed: .*\n?/m;

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
  readonly #startTime: string | undefined;
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
  #namespaceEnd: NodeJS.Timeout | undefined;
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
    this.child = spawn(file, rest, {
      stdio: options.stdio ?? ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { ...(options.env ?? process.env), ...(record ? { [TOKEN_VARIABLE]: record.owner.token } : {}) },
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    this.#startTime = this.child.pid === undefined ? undefined : readStat(this.child.pid)?.startTime;
    if (this.child.pid !== undefined) record?.add({ group: this.child.pid, startTime: this.#startTime });
    // A pipe to a dead process fails with EPIPE; its end is reported through `ended`.
    for (const stream of this.child.stdio) stream?.on('error', () => {});
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.child.on('error', (error) => {
      this.#error = error;
    });
    this.child.once('exit', () => {
      this.#exited = true;
      clearTimeout(this.#namespaceEnd);
      // What outlives its leader would keep working, and hold the pipes open.
      this.#killMembers();
      const timer = setTimeout(() => void this.#endStragglers(), STRAGGLER_MS);
      this.#endStraggling = () => clearTimeout(timer);
    });

    if (!options.outlivesHost) live.add(this);
    this.belongTo({ signal: options.signal, ...(options.onEnd ? { onEnd: options.onEnd } : {}) });
    this.ended = this.#watch().then((end) => {
      live.delete(this);
      if (this.pid !== undefined) record?.add({ ended: this.pid });
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
    const handles = [this.child, ...this.child.stdio] as (Partial<Pick<ChildProcess, 'ref' | 'unref'>> | null)[];
    for (const handle of handles) handle?.[yes ? 'ref' : 'unref']?.();
  }

  /** Sends SIGKILL to the whole group, now. Harmless when it is gone. */
  kill(): void {
    if (this.#exited) this.#killMembers();
    else if (this.pid !== undefined && !this.#killNamespace(this.pid) && !killGroup(this.pid)) {
      this.child.kill('SIGKILL');
    }
  }

  get #hasNamespace(): boolean {
    return this.#wrapper.includes('--pid');
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
    this.#namespaceEnd ??= setTimeout(() => killGroup(leader), NAMESPACE_END_MS);
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
    return { ...this.#describeEnd(code, signal), survivors: await this.#groupEnd() };
  }

  /** How the command ended: what the wrapper says of it is not the same in every case. */
  #describeEnd(code: number | null, signal: NodeJS.Signals | null): Omit<ProcessEnd, 'survivors'> {
    const stderr = this.#stderr;
    if (this.#error) return { code: null, signal, stderr, error: this.#error };
    const unstarted = this.#wrapper.length > 0 && /^(?:setpriv|unshare): failed to execute (.*)$/m.exec(stderr);
    if (unstarted) return { code: null, signal, stderr, error: new Error(unstarted[1]) };
    // unshare ends itself by the signal that ended its child, which it cannot do with SIGKILL.
    if (this.#hasNamespace && code === 1 && UNSHARE_AFTER_KILL.test(stderr)) {
      return { code: null, signal: 'SIGKILL', stderr: stderr.replace(UNSHARE_AFTER_KILL, '') };
    }
    return { code, signal, stderr };
  }

  /** Somebody holds the pipes open: ends them, or lets go of the pipes, so that `ended` always comes. */
  async #endStragglers(): Promise<void> {
    await this.#sweep();
    if (this.#closed) return;
    this.#endStraggling = afterPatience(GROUP_END_MS, () => {
      for (const stream of this.child.stdio) stream?.destroy();
    });
  }

  async #groupEnd(): Promise<number[]> {
    const patience = new Patience(GROUP_END_MS);
    if (this.#endsAsOne && this.pid !== undefined && !groupExists(this.pid)) return [];
    for (;;) {
      const members = await this.#sweep();
      if (members.length === 0 || patience.isOver) return members;
    }
  }

  /** After the leader is gone: kills and returns what still lives in its group or session. */
  async #sweep(): Promise<number[]> {
    if (this.pid === undefined || this.#isReused()) return [];
    const members = await livingMembers(this.pid);
    for (const member of members) killProcess(member);
    return members;
  }

  #killMembers(): void {
    if (this.pid !== undefined && !this.#isReused()) killGroup(this.pid);
  }

  /** Whether the system has given the pid to a stranger, who may now lead a group of that number. */
  #isReused(): boolean {
    const stat = readStat(this.pid!);
    return stat !== undefined && stat.startTime !== this.#startTime;
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
