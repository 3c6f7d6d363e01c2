import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from '../options/options.js';
import { chooseOutput } from '../outputs/chooseOutput.js';
import { OutputSet } from '../outputs/OutputSet.js';
import type { RenderWorkers } from './RenderWorkers.js';
import type { StoppableRun } from './StoppableRun.js';

/**
 * Saves the finished beginning of a stopped render to `partialOutput`, if both exist. This happens after
 * the stop, so a failure here is only a warning, never the render's error.
 */
export async function savePrefix(
  run: StoppableRun<ResolvedDistributedOptions>,
  { prefix: chunks, verified }: RenderWorkers,
  directory: WorkDirectory,
): Promise<void> {
  const { partialOutput, deadlines } = run.options;
  if (partialOutput === undefined || chunks.length === 0) return;
  try {
    const outputs = new OutputSet(chooseOutput(partialOutput, run.options));
    const { main } = outputs;
    outputs.findTools();
    await using _outputs = outputs.stage(run.outputJob(new AbortController().signal), directory);
    await main.verifyChunks({ chunks, verified });
    await main.join(chunks);
    await outputs.commit(deadlines.concat);
    const frames = chunks.reduce((sum, { frameCount }) => sum + frameCount, 0);
    run.journal.record({ type: 'partial', path: main.destination, frames });
  } catch (error) {
    run.warn('the finished part could not be saved', error);
  }
}
