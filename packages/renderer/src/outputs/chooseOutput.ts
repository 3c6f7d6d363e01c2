import type { ResolvedOptions } from '../options/options.js';
import { FrameHashes } from './FrameHashes.js';
import type { FrameOutput } from './Output.js';
import { OutputSet } from './OutputSet.js';
import { VideoFile } from './VideoFile.js';

/** The output for a file's extension. All extensions that the options allow are those of videos. */
export function chooseOutput(destination: string, options: ResolvedOptions, hashes?: FrameHashes): FrameOutput {
  return new VideoFile(destination, options, hashes);
}

/** All outputs of a render, or of one of its chunks. */
export function chooseOutputs(destination: string, options: ResolvedOptions): OutputSet<FrameOutput> {
  if (options.frameHashes === undefined) return new OutputSet(chooseOutput(destination, options));
  const hashes = new FrameHashes(options.frameHashes, options);
  return new OutputSet(chooseOutput(destination, options, hashes), [hashes]);
}
