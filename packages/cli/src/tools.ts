import { findBrowser, findFfmpeg, OptionsError, type RenderPlan } from '@genlock/renderer';
import { defined, type PageFlags, type RenderFlags } from './flags.js';

/** Makes sure that there is a browser that starts. Throws a ToolError that says what to do. */
export async function checkBrowser({ browser }: PageFlags, signal: AbortSignal): Promise<void> {
  await findBrowser({ signal, ...defined({ executablePath: browser }) });
}

/** The same for ffmpeg, with the encoder that the plan needs. */
export async function checkFfmpeg(plan: RenderPlan, { ffmpeg }: RenderFlags, signal: AbortSignal): Promise<void> {
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
