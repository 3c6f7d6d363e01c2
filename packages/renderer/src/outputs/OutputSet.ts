import { StagedOutput } from '../lifecycle/StagedOutput.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import { checkPlaces, type Places } from './checkPlaces.js';
import type { SideOutput, Output, OutputJob } from './Output.js';

/** Outputs that belong together: they are put in their places as one, or none of them is. */
export class OutputSet<Main extends Output = Output> implements AsyncDisposable {
  #job: OutputJob | undefined;

  constructor(
    /** What was asked for. */
    readonly main: Main,
    /** What there is to be beside it. */
    readonly beside: readonly SideOutput[] = [],
  ) {}

  /** In the order of the commit: the one that matters most is put in its place last. */
  get #outputs(): Output[] {
    return [...this.beside, this.main];
  }

  /**
   * Looks, before anything starts, whether each of them, and other files of the same request, has a place of its own.
   * Writes nothing. `page` is the address of what is read. Throws an OptionsError with every fault.
   */
  check(page: string, others: Places = {}): void {
    const places: Places = {};
    for (const { option, destination } of [this.main, ...this.beside]) places[option] = destination;
    checkPlaces(page, { ...places, ...others });
  }

  /** Finds the programs that make them. Throws a ToolError where one is missing. */
  findTools(): void {
    for (const output of this.#outputs) output.findTools?.();
  }

  /**
   * Makes sure that files can be written where these outputs, and other files, are to be, before there are any.
   * Throws an InputError.
   */
  async probe(leftover: (path: string) => void, ...others: (string | undefined)[]): Promise<void> {
    const places = [this.main.destination, ...this.beside.map(({ destination }) => destination), ...others];
    const named = places.filter((path) => path !== undefined);
    await StagedOutput.probe(named, leftover);
  }

  /** Stages all of them for this job, until the set is disposed of. Returns the set. */
  stage(job: OutputJob, directory: WorkDirectory): this {
    this.#job = job;
    for (const output of this.#outputs) output.stage(job, directory);
    return this;
  }

  /**
   * The one way to commit: flushes every file to disk, which each may take as long as the deadline for (milliseconds),
   * begins the step of the commit, and puts all files in their places. From the last look at the signal to the note that
   * the job is committed there is one tick, so that no abort comes between. Rejects with `signal.reason` itself after
   * an abort.
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

  /** Removes what was not committed. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const output of this.#outputs) await output[Symbol.asyncDispose]();
  }
}
