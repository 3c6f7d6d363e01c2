import { OptionsError, type RenderPlan } from '@genlock/renderer';
import { findFfmpeg, locateBrowser } from '@genlock/renderer/internal';
import { defined, type PageFlags } from './flags.js';

/** Makes sure that a browser is installed. Throws a ToolError that says what to do. It is not started here. */
export function checkBrowser({ browser }: PageFlags): void {
  locateBrowser(browser);
}

/** Makes sure that ffmpeg starts and has the encoder that the plan needs. Throws a ToolError or an OptionsError. */
export async function checkFfmpeg(plan: RenderPlan, { ffmpeg }: PageFlags, signal: AbortSignal): Promise<void> {
  const found = await findFfmpeg({ signal, ...defined({ ffmpegPath: ffmpeg }) });
  const encoder = encoderOf(plan);
  if (found.encoders.has(encoder)) return;
  throw new OptionsError([
    `the encoder ${encoder} is not in this ffmpeg (${found.ffmpeg}, version ${found.version}): ` +
      `choose another --codec, or another ffmpeg with --ffmpeg (genlock doctor lists the encoders it has)`,
  ]);
}

function encoderOf(plan: RenderPlan): string {
  const options = plan.chunks[0]?.options;
  return options?.lossless ? 'libx264rgb' : (options?.videoCodec ?? 'libx264');
}
