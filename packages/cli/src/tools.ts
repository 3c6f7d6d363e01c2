import { OptionsError, type RenderPlan } from '@genlock/renderer';
import { findFfmpeg, locateBrowser } from '@genlock/renderer/internal';
import { defined, type PageFlags } from './flags.js';

/** Makes sure that there is a browser. Throws a ToolError that says what to do; so does a render that cannot start it. */
export function checkBrowser({ browser }: PageFlags): void {
  locateBrowser(browser);
}

/** The same for an ffmpeg that starts, and has the encoder that the plan needs. */
export async function checkFfmpeg(plan: RenderPlan, { ffmpeg }: PageFlags, signal: AbortSignal): Promise<void> {
  const found = await findFfmpeg({ signal, ...defined({ ffmpegPath: ffmpeg }) });
  const encoder = encoderOf(plan);
  if (found.encoders.has(encoder)) return;
  throw new OptionsError([
    `the encoder ${encoder} is not in this ffmpeg (${found.ffmpeg}, version ${found.version}): ` +
      `choose another --codec, or another --ffmpeg (genlock doctor lists what it has)`,
  ]);
}

function encoderOf(plan: RenderPlan): string {
  const options = plan.chunks[0]?.options;
  return options?.lossless ? 'libx264rgb' : (options?.videoCodec ?? 'libx264');
}
