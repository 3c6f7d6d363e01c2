import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from '../options/options.js';
import type { RenderExecutor } from '../types.js';
import type { KeptChunks } from './KeptChunks.js';
import type { StoppableRun } from './StoppableRun.js';

/** What the workers of one render share. */
export interface WorkerContext {
  readonly run: StoppableRun<ResolvedDistributedOptions>;
  readonly executor: RenderExecutor;
  readonly directory: WorkDirectory;
  /** The kept chunks, if the option `keepChunks` is set. */
  readonly kept: KeptChunks | undefined;
}
