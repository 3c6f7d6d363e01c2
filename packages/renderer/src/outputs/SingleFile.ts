import { StagedOutput } from '../lifecycle/StagedOutput.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { PlaceName } from './checkPlaces.js';
import type { Output, OutputJob } from './Output.js';

/** An output that consists of one file. */
export abstract class SingleFile implements Output {
  #staged: { file: StagedOutput; job: OutputJob; directory: WorkDirectory } | undefined;

  abstract readonly option: PlaceName;

  constructor(readonly destination: string) {}

  stage(job: OutputJob, directory: WorkDirectory): void {
    this.#staged = { file: new StagedOutput(this.destination, job.leftover), job, directory };
  }

  get files(): readonly StagedOutput[] {
    return [this.staged.file];
  }

  /** The job for which it was staged, and the file to write to. */
  protected get staged() {
    if (!this.#staged) throw new Error(`${this.destination} has not been staged`);
    return this.#staged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#staged?.file[Symbol.asyncDispose]();
  }
}
