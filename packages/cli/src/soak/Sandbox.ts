import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameAndMessageOf } from '@genlock/renderer/internal';
import { countFrames, Traces } from '@genlock/renderer/testing';

const SENTINEL = 'what was here before';

/** Where the renders of a soak work: TMPDIR and the output's folder lie inside, and nothing else does. */
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

  /** Puts a file where the output will be, which only a render that succeeds may replace. */
  prepare(): void {
    writeFileSync(this.output, SENTINEL);
  }

  /** Whether the file that was prepared is still there as it was. */
  isUntouched(): boolean {
    try {
      return readFileSync(this.output, 'utf8') === SENTINEL;
    } catch {
      return false;
    }
  }

  /** What is wrong with the output of a render that succeeded. */
  async judgeOutput(frames: number, ffmpegPath: string | undefined): Promise<string[]> {
    const found = await countFrames(this.output, { ffmpegPath }).catch(nameAndMessageOf);
    return found === frames ? [] : [`the output has ${found} frames instead of ${frames}`];
  }

  /** Everything of a render that is left now: processes, zombies and files; one sentence each. */
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

  /** Removes what was left, so that it is found once and disturbs nothing after it. */
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
