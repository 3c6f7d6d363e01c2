import { StagedOutput } from '../lifecycle/StagedOutput.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import { checkPlaces, type Places } from './checkPlaces.js';
import type { SideOutput, Output, OutputJob } from './Output.js';

/** Outputs that belong together: either all are put in place or none. */
export class OutputSet<Main extends Output = Output> implements AsyncDisposable {
  #job: OutputJob | undefined;

  constructor(
    /** The output that was asked for. */
    readonly main: Main,
    /** Outputs made alongside it. */
    readonly beside: readonly SideOutput[] = [],
  ) {}

  /** In the order of the commit, in which the most important output comes last. */
  get #outputs(): Output[] {
    return [...this.beside, this.main];
  }

  /**
   * Checks, before anything starts, that each output and every other file of the request can be written to a path of
   * its own. Writes nothing. `page` is the page's address. Throws an OptionsError that lists every problem.
   */
  check(page: string, others: Places = {}): void {
    const places: Places = {};
    for (const { option, destination } of [this.main, ...this.beside]) places[option] = destination;
    checkPlaces(page, { ...places, ...others });
  }

  /** Finds the programs that make the outputs. Throws a ToolError if one is missing. */
  findTools(): void {
    for (const output of this.#outputs) output.findTools?.();
  }

  /**
   * Checks, by writing, that files can be created next to the outputs and the `others`. Rejects with an InputError if
   * not.
   */
  async probe(leftover: (path: string) => void, ...others: (string | undefined)[]): Promise<void> {
    const places = [this.main.destination, ...this.beside.map(({ destination }) => destination), ...others];
    const named = places.filter((path) => path !== undefined);
    await StagedOutput.probe(named, leftover);
  }

  /** Stages all outputs for this job, until the set is disposed of. Returns the set. */
  stage(job: OutputJob, directory: WorkDirectory): this {
    this.#job = job;
    for (const output of this.#outputs) output.stage(job, directory);
    return this;
  }

  /**
   * The one way to commit: flushes every file to disk (each within the deadline, in milliseconds), calls `begin`, and
   * puts all files in place. The last check of the signal, the renames and the job's `committed` happen in one tick, so
   * that no abort can come between. Rejects with `signal.reason` itself after an abort.
   */
  async commit(deadlineMs: number, begin?: () => Promise<void>): Promise<void> {
    const job = this.#job!;
    const files = this.#outputs.flatMap((output) => output.files);
    for (const file of files) await file.flush(deadlineMs, { ...job.position }, job.signal);
    await begin?.();
    job.signal.throwIfAborted();
    StagedOutput.commitAll(files);
    for (const output of this.#outputs) output.committed?.();
    job.committed();
  }

  /** Removes files that were not committed. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const output of this.#outputs) await output[Symbol.asyncDispose]();
  }
}
