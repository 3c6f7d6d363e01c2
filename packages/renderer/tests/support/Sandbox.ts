import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { RenderEvent } from '../../src/events.js';
import { Complaints, held, leaksSince } from './leaks.js';
import { isAlive } from '../../src/lifecycle/processGroup.js';
import { allProcesses, descendantsOf, identity, membersOf, type ProcessInfo } from './processes.js';

/** Events at which a look at the processes shows none that the steps before and after do not show. */
const UNSEEN: readonly RenderEvent['type'][] = ['frame', 'page-console', 'process', 'worker', 'report'];

const SENTINEL = 'what was here before';

/**
 * A place for renders whose traces can be looked for, by three oracles: survivors, disk and leaks.
 * TMPDIR and the output folder lie inside it, and every process that a render tells of, or that was
 * seen below this process, is remembered.
 */
export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'genlock-test-'));
  /** For what a render reads: outside the place where its traces are looked for. */
  readonly inputs = mkdtempSync(join(tmpdir(), 'genlock-inputs-'));
  readonly #complaints = new Complaints();
  readonly #groups = new Set<number>();
  /** Processes below this one that were there before any render: the test runner's own. */
  readonly #before = new Set(descendantsOf(process.pid, allProcesses()).map(identity));
  readonly #seen = new Set<string>();
  readonly #tmpdirBefore = process.env['TMPDIR'];
  readonly #belongings: Disposable[] = [];
  #disk: string[] = [];
  #held: string[] | undefined;
  #disposed = false;

  /** With a signal, whatever runs in it is to be stopped when that aborts: a test has taken too long. */
  constructor(readonly signal?: AbortSignal) {
    process.env['TMPDIR'] = this.root;
  }

  /** Makes it a part of the sandbox, which is disposed of with it. */
  own<Thing extends Disposable>(thing: Thing): Thing {
    this.#belongings.push(thing);
    return thing;
  }

  /** A path for an output, which holds a sentinel that only a successful render may replace. */
  destination(name: string): string {
    const path = join(this.root, name);
    writeFileSync(path, SENTINEL);
    this.rememberDisk();
    return path;
  }

  /** Writes a page for a render to read; returns its address. */
  page(html: string, name = 'page.html'): string {
    const path = join(this.inputs, name);
    writeFileSync(path, html);
    return pathToFileURL(path).href;
  }

  /** Writes an executable shell script; returns its path. */
  script(name: string, ...lines: string[]): string {
    const path = join(this.inputs, name);
    writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    return path;
  }

  /** To be told every event of the renders. */
  readonly watch = (event: RenderEvent): void => {
    if (event.type === 'process' && event.state === 'started') this.#groups.add(event.pid);
    if (!UNSEEN.includes(event.type)) this.look();
  };

  /** Remembers every process that is below this one now: those that leave the family are found by it. */
  look(): void {
    for (const found of this.#family(allProcesses())) this.#seen.add(identity(found));
  }

  /** Takes the files as they are now for those that a stopped render has to leave. */
  rememberDisk(): void {
    this.#disk = this.disk();
  }

  /** Takes what this process holds now for what it has to hold after a render: call it after a warm-up. */
  rememberHeld(): void {
    this.#held = held();
  }

  /**
   * Asserts, at the very instant at which a stopped render settles, that it has left nothing: no
   * process, no zombie, no file, no listener; and that the output is untouched. `asked` are the files
   * that were meant to be left; they are removed.
   */
  assertNothingLeft(destination: string, signal?: AbortSignal, asked: readonly string[] = []): void {
    this.assertNoProcesses();
    for (const path of asked) unlinkSync(path);
    assert.deepEqual(
      this.files().filter((name) => !this.#wasThere(name)),
      [],
      'files were left',
    );
    assert.deepEqual(this.disk(), this.#disk, 'files were touched');
    assert.equal(readFileSync(destination, 'utf8'), SENTINEL, 'the destination was touched');
    if (signal) assert.equal(getEventListeners(signal, 'abort').length, 0, 'listeners were left on the signal');
    this.assertNoComplaints();
  }

  /** Waits until no process and no file is left of a host that was killed, or until that takes too long. */
  async emptied(ms = 5000): Promise<void> {
    const giveUp = performance.now() + ms;
    const left = () => this.survivors().length > 0 || this.files().some((name) => !this.#wasThere(name));
    while (left() && performance.now() < giveUp) await setTimeout(5);
  }

  /** The survivors alone, for a render that succeeded. */
  assertNoProcesses(): void {
    assert.deepEqual(this.survivors(), [], 'processes live on');
    assert.deepEqual(this.zombies(), [], 'zombies were left');
  }

  /** What this process was last remembered to hold. */
  get held(): readonly string[] | undefined {
    return this.#held;
  }

  /** Asserts that this process holds what it held: no descriptor, handle, timer or listener more. */
  async assertNoLeaks(before = this.held): Promise<void> {
    if (before) assert.deepEqual(await leaksSince(before), [], 'something is still held');
    this.assertNoComplaints();
  }

  assertNoComplaints(): void {
    assert.deepEqual(this.#complaints.list, [], 'the process complained');
  }

  files(): string[] {
    return readdirSync(this.root);
  }

  /** Every file of the sandbox, with what changes when it is written, replaced or touched. */
  disk(): string[] {
    return (readdirSync(this.root, { recursive: true }) as string[]).sort().map((name) => {
      const { ino, size, mtimeMs } = statSync(join(this.root, name));
      return `${name}: inode ${ino}, ${size} bytes, written at ${mtimeMs}`;
    });
  }

  /**
   * Living processes of any render in this sandbox: members of a known group or session, named by our
   * paths, below this process, or seen there before.
   */
  survivors(): string[] {
    const processes = allProcesses();
    const found = new Map<string, ProcessInfo>();
    const add = (some: readonly ProcessInfo[]) => {
      for (const one of some) if (isAlive(one) && one.pid !== process.pid) found.set(identity(one), one);
    };
    add(membersOf(this.#groups, processes));
    add(processes.filter(({ args }) => this.#names(args.join(' '))));
    add(this.#family(processes));
    add(processes.filter((one) => this.#seen.has(identity(one))));
    return [...found.values()].map(({ pid, state, args }) => `${pid} (${state}) ${args.join(' ').slice(0, 120)}`);
  }

  /** Children of this process that have ended and that nobody has waited for. */
  zombies(): string[] {
    return allProcesses()
      .filter((one) => one.state === 'Z' && one.parent === process.pid && !this.#before.has(identity(one)))
      .map(({ pid }) => `${pid} is a zombie`);
  }

  /** Also while a test hangs that still has it. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const thing of this.#belongings) thing[Symbol.dispose]();
    this.#complaints[Symbol.dispose]();
    if (this.#tmpdirBefore === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#tmpdirBefore;
    for (const folder of [this.root, this.inputs]) rmSync(folder, { recursive: true, force: true });
  }

  #family(processes: readonly ProcessInfo[]): ProcessInfo[] {
    return descendantsOf(process.pid, processes).filter((one) => !this.#before.has(identity(one)));
  }

  #names(commandLine: string): boolean {
    return [this.root, this.inputs].some((folder) => commandLine.includes(basename(folder)));
  }

  #wasThere(name: string): boolean {
    return this.#disk.some((line) => line.startsWith(`${name}: `));
  }
}
