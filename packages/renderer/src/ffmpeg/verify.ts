import { EncoderError, StallError, VerificationError, type RenderPosition } from '../errors.js';
import { formatFrameRate, frameTime, type FrameRate } from '../options/frameRate.js';
import { runCommand } from '../lifecycle/runCommand.js';
import type { ProcessOptions } from '../lifecycle/ManagedProcess.js';
import { probeArguments } from './arguments.js';
import { codingOf, type VideoCoding } from './coding.js';

/** The properties that a video file must have. */
export interface ExpectedVideo {
  frames: number;
  fps: FrameRate;
  width: number;
  height: number;
}

export interface VerifyOptions extends Pick<ProcessOptions, 'signal' | 'onStart' | 'onEnd'> {
  ffprobe: string;
  deadlineMs: number;
  position: RenderPosition;
}

/**
 * Checks that a file contains exactly these frames, at this rate and size: that the encoder exits with code 0 does not
 * prove it. Returns how they are coded. Throws a VerificationError if they are wrong.
 */
export async function verifyVideo(path: string, expected: ExpectedVideo, options: VerifyOptions): Promise<VideoCoding> {
  const { ffprobe, deadlineMs, position, ...processOptions } = options;
  const end = await runCommand(ffprobe, probeArguments(path), {
    role: 'probe',
    ...processOptions,
    deadlineMs,
    late: () => new StallError('ffprobe to count the frames', deadlineMs, position),
  });
  if (end.code !== 0) throw new EncoderError('cannot read the encoded video back', end, position);
  const lines = end.stdout.split('\n');
  const stream = lines.find((line) => /(^|\|)width=/.test(line));
  if (stream === undefined) throw new VerificationError(`the encoded file holds no video: ${path}`, position);
  const fields = new Map(stream.split('|').map((field) => field.split(/=(.*)/s, 2) as [string, string]));
  const [width, height] = [Number(fields.get('width')), Number(fields.get('height'))];
  const times = lines.filter((line) => line.startsWith('pts_time=')).map((line) => Number(line.slice(9)));

  const faults: string[] = [];
  if (times.length !== expected.frames) faults.push(`${times.length} frames instead of ${expected.frames}`);
  const misplaced = misplacedFrame(times, expected.fps, path);
  if (misplaced !== undefined) {
    faults.push(`frame ${misplaced} is not at its time at ${formatFrameRate(expected.fps)} frames per second`);
  }
  if (width !== expected.width || height !== expected.height) {
    faults.push(`${width}x${height} pixels instead of ${expected.width}x${expected.height}`);
  }
  if (faults.length > 0) throw new VerificationError(`the encoded video is wrong: ${faults.join(', ')}`, position);
  return codingOf(fields);
}

/** The first frame n that is not at n / fps; undefined if there is none. */
function misplacedFrame(times: readonly number[], fps: FrameRate, path: string): number | undefined {
  // ffprobe prints microseconds; Matroska and WebM hold milliseconds.
  const tolerance = /\.(mkv|webm)(\.part-|$)/i.test(path) ? 0.0006 : 0.00001;
  const sorted = Float64Array.from(times).sort();
  const misplaced = sorted.findIndex((time, frame) => !(Math.abs(time - frameTime(frame, fps)) <= tolerance));
  return misplaced < 0 ? undefined : misplaced;
}
