import { basename, dirname, join, resolve } from 'node:path';
import { ToolError } from '../errors.js';
import { isExecutable, onPath } from '../executables.js';
import { howItEnded } from '../lifecycle/howItEnded.js';
import { runCommand } from '../lifecycle/runCommand.js';

export interface FfmpegPaths {
  ffmpeg: string;
  ffprobe: string;
}

/** What to do if there is no ffmpeg. */
export const FFMPEG_HELP = 'On Debian or Ubuntu: sudo apt-get install -y ffmpeg. On macOS: brew install ffmpeg.';

/**
 * Finds ffmpeg (`ffmpegPath`, else `GENLOCK_FFMPEG`, else on the PATH) and ffprobe (`ffprobePath`,
 * else beside that ffmpeg, else on the PATH). Throws a ToolError that says what to do.
 */
export function locateFfmpeg(options: {
  ffmpegPath?: string | undefined;
  ffprobePath?: string | undefined;
}): FfmpegPaths {
  const ffmpeg = locate('ffmpeg', options.ffmpegPath ?? process.env['GENLOCK_FFMPEG']);
  const beside = join(dirname(ffmpeg), basename(ffmpeg).replace('ffmpeg', 'ffprobe'));
  const named = options.ffprobePath ?? (beside !== ffmpeg && isExecutable(beside) ? beside : undefined);
  return { ffmpeg, ffprobe: locate('ffprobe', named) };
}

/** Like `locateFfmpeg`, and asks ffmpeg for its version and its encoders. */
export async function findFfmpeg(
  options: { ffmpegPath?: string | undefined; ffprobePath?: string | undefined; signal?: AbortSignal } = {},
): Promise<FfmpegPaths & { version: string; encoders: Set<string> }> {
  const paths = locateFfmpeg(options);
  const runOptions = { role: 'ffmpeg', deadlineMs: 20_000, ...(options.signal ? { signal: options.signal } : {}) };
  const { stdout, ...end } = await runCommand(paths.ffmpeg, ['-encoders'], runOptions);
  if (end.code !== 0) throw new ToolError(`${paths.ffmpeg} does not work: it ${howItEnded(end)}: ${end.stderr.trim()}`);
  const versionIn = (text: string) => /^ffmpeg version (\S+)/m.exec(text)?.[1];
  // The banner usually states the version, so that one start is enough, unless a wrapper script hides the banner.
  const version = versionIn(end.stderr) ?? versionIn((await runCommand(paths.ffmpeg, ['-version'], runOptions)).stdout);
  // A line of the list: six flags, then the encoder's name.
  const encoders = [...stdout.matchAll(/^ [A-Z.]{6} (\S+)/gm)].map((match) => match[1]!).filter((name) => name !== '=');
  return {
    ...paths,
    version: version ?? 'unknown',
    encoders: new Set(encoders),
  };
}

function locate(tool: string, named: string | undefined): string {
  if (named === undefined) {
    const found = onPath(tool);
    if (found) return resolve(found);
    throw new ToolError(`${tool} is not on the PATH. ${FFMPEG_HELP}`);
  }
  const found = named.includes('/') ? (isExecutable(named) ? named : undefined) : onPath(named);
  if (found) return resolve(found);
  throw new ToolError(`no ${tool} at ${named}: there is no such executable. ${FFMPEG_HELP}`);
}
