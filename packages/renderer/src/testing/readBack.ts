import { locateFfmpeg } from '../ffmpeg/findFfmpeg.js';
import { verifyVideo } from '../ffmpeg/verify.js';
import { runCommand } from '../lifecycle/runCommand.js';
import type { RendererOptions } from '../options/groups.js';
import { greyOf, PICTURE, type Range } from './testPage.js';

type ToolOptions = Pick<RendererOptions, 'ffmpegPath' | 'ffprobePath'>;

/** By how many levels a grey may differ after it has been encoded. */
const GREY_TOLERANCE = 3;
const DEADLINE_MS = 60_000;

/** Number of the frames in a video file, counted by ffprobe. Throws when it cannot be read. */
export async function countFrames(
  path: string,
  tools: Pick<RendererOptions, 'ffmpegPath' | 'ffprobePath'> = {},
): Promise<number> {
  const args = ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets'];
  const { code, stdout, stderr } = await runCommand(locateFfmpeg(tools).ffprobe, [...args, '-of', 'csv=p=0', path]);
  if (code !== 0) throw new Error(`ffprobe cannot read ${path}: ${stderr.trim()}`);
  return Number.parseInt(stdout, 10);
}

/** Throws an Error that says what is wrong with a chunk of the test page: number, rate or size of the frames. */
export async function verifyFrames(path: string, { frameCount }: Range, tools: ToolOptions): Promise<void> {
  const { width, height, fps } = PICTURE;
  await verifyVideo(
    path,
    { frames: frameCount, fps: { num: fps, den: 1 }, width, height },
    { ffprobe: locateFfmpeg(tools).ffprobe, deadlineMs: DEADLINE_MS, position: {} },
  );
}

/** Throws an Error unless the pictures of a chunk are exactly those of its frames. */
export async function verifyPictures(
  path: string,
  { startFrame, frameCount }: Range,
  tools: ToolOptions,
): Promise<void> {
  const filter = 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-';
  const args = ['-v', 'error', '-i', path, '-vf', filter, '-fps_mode', 'passthrough', '-f', 'null', '-'];
  const { stdout } = await runCommand(locateFfmpeg(tools).ffmpeg, args, { deadlineMs: DEADLINE_MS });
  const lumas = [...stdout.matchAll(/YAVG=([\d.]+)/g)].map((match) => Number(match[1]));
  lumas.forEach((luma, index) => {
    const frame = startFrame + index;
    // In video, black is 16 and white is 235.
    const grey = ((luma - 16) * 255) / 219;
    if (Math.abs(grey - greyOf(frame)) > GREY_TOLERANCE) {
      throw new Error(`picture ${index} of the file is not frame ${frame} of the page`);
    }
  });
  if (lumas.length !== frameCount) throw new Error(`${lumas.length} of ${frameCount} pictures can be decoded`);
}
