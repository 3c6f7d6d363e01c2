import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameAndMessageOf } from '@genlock/renderer/internal';
import { countFrames, Traces } from '@genlock/renderer/testing';

const SENTINEL = 'what was here before';

/** The folder in which a soak renders. It contains TMPDIR and the output's folder, and nothing else. */
export class Sandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'genlock-soak-'));
  readonly temporary = join(this.root, 'tmp');
  readonly traces: Traces;
  readonly output: string;
  readonly #tmpdirBefore = process.env['TMPDIR'];

  constructor() {
    const results = join(this.root, 'out');
    for (const folder of [this.temporary, results]) mkdirSync(folder);
    this.output = join(results, 'soak.mp4');
    this.traces = new Traces([this.temporary, results]);
    process.env['TMPDIR'] = this.temporary;
    // A second Ctrl-C exits at once.
    process.on('exit', this.#remove);
  }

  /** Writes a file to the output's path that only a successful render may replace. */
  prepare(): void {
    writeFileSync(this.output, SENTINEL);
  }

  /** Whether the prepared file is still there, unchanged. */
  isUntouched(): boolean {
    try {
      return readFileSync(this.output, 'utf8') === SENTINEL;
    } catch {
      return false;
    }
  }

  /** Problems with the output of a successful render. */
  async judgeOutput(frames: number, ffmpegPath: string | undefined): Promise<string[]> {
    const found = await countFrames(this.output, { ffmpegPath }).catch(nameAndMessageOf);
    return found === frames ? [] : [`the output has ${found} frames instead of ${frames}`];
  }

  /** Everything that a render has left behind: processes, zombies and files; one sentence each. */
  leftovers(): string[] {
    return [
      ...this.traces.survivors().map(({ pid, command }) => `process ${pid} lives on: ${command.slice(0, 100)}`),
      ...this.traces.zombies().map((pid) => `process ${pid} is a zombie`),
      ...this.temporaryFiles().map((path) => `left behind: ${path}`),
    ];
  }

  temporaryFiles(): string[] {
    return this.traces.files().filter((path) => path !== this.output);
  }

  /** Removes leftovers, so that each is reported once and does not disturb later cycles. */
  clear(): void {
    this.traces.clear();
    for (const path of this.temporaryFiles()) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }

  [Symbol.dispose](): void {
    if (this.#tmpdirBefore === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#tmpdirBefore;
    process.off('exit', this.#remove);
    this.clear();
    this.#remove();
  }

  readonly #remove = (): void => rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
}
