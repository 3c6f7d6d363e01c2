import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { livingMembersNow } from '../../src/lifecycle/processGroup.js';
import type { RenderEvent } from '../../src/events.js';

const SENTINEL = 'what was here before';

/**
 * A place for renders whose traces can be looked for: TMPDIR and the output folder lie inside it,
 * and every process that a render tells of is remembered.
 */
export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'genlock-test-'));
  /** For what a render reads: outside the place where its traces are looked for. */
  readonly inputs = mkdtempSync(join(tmpdir(), 'genlock-inputs-'));
  readonly #groups = new Set<number>();
  readonly #tmpdirBefore = process.env['TMPDIR'];

  constructor() {
    process.env['TMPDIR'] = this.root;
  }

  /** A path for an output, which holds a sentinel that only a successful render may replace. */
  destination(name: string): string {
    const path = join(this.root, name);
    writeFileSync(path, SENTINEL);
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
  };

  /** Asserts that a stopped render has left nothing: no process, no file, no listener; the output untouched. */
  assertNothingLeft(destination: string, signal?: AbortSignal): void {
    assert.deepEqual(this.survivors(), [], 'processes live on');
    assert.deepEqual(this.files(), [destination.slice(this.root.length + 1)], 'files were left');
    assert.equal(readFileSync(destination, 'utf8'), SENTINEL, 'the destination was touched');
    if (signal) assert.equal(getEventListeners(signal, 'abort').length, 0, 'listeners were left on the signal');
  }

  /** Removes a file that is not to be found any more. */
  forget(name: string): void {
    rmSync(join(this.root, name));
  }

  files(): string[] {
    return readdirSync(this.root);
  }

  /** Living processes of any render in this sandbox: members of a known group, or named by our paths. */
  survivors(): string[] {
    const members = new Set([...this.#groups].flatMap((group) => livingMembersNow(group)));
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
      if (commandLine(name).includes(this.root)) members.add(Number(name));
    }
    return [...members].map((pid) => `${pid} ${commandLine(String(pid)).slice(0, 120)}`);
  }

  [Symbol.dispose](): void {
    if (this.#tmpdirBefore === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#tmpdirBefore;
    for (const folder of [this.root, this.inputs]) rmSync(folder, { recursive: true, force: true });
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
