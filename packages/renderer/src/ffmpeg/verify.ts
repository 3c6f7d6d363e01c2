import { z } from 'zod';
import { EncoderError, StallError, VerificationError, type RenderPosition } from '../errors.js';
import { formatFrameRate, parseFrameRate, type FrameRate } from '../frameRate.js';
import { runCommand } from '../lifecycle/runCommand.js';
import type { ProcessOptions } from '../lifecycle/ManagedProcess.js';
import { probeArguments } from './arguments.js';

/** What a video file must be. */
export interface ExpectedVideo {
  frames: number;
  fps: FrameRate;
  width: number;
  height: number;
}

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        width: z.number(),
        height: z.number(),
        r_frame_rate: z.string(),
        avg_frame_rate: z.string(),
        nb_read_packets: z.coerce.number(),
      }),
    )
    .length(1),
});

export interface VerifyOptions extends Pick<ProcessOptions, 'signal' | 'onStart' | 'onEnd'> {
  ffprobe: string;
  deadlineMs: number;
  position: RenderPosition;
}

/**
 * Checks that a file holds exactly these frames, at this rate and size: an encoder that exits with
 * code 0 proves nothing. Throws a VerificationError.
 */
export async function verifyVideo(path: string, expected: ExpectedVideo, options: VerifyOptions): Promise<void> {
  const { ffprobe, deadlineMs, position, ...processOptions } = options;
  const end = await runCommand(ffprobe, probeArguments(path), {
    role: 'probe',
    ...processOptions,
    deadlineMs,
    late: () => new StallError('ffprobe to count the frames', deadlineMs, position),
  });
  if (end.code !== 0) throw new EncoderError('cannot read the encoded video back', end, position);
  const parsed = probeSchema.safeParse(JSON.parse(end.stdout));
  if (!parsed.success) throw new VerificationError(`the encoded file holds no video: ${path}`, position);
  const stream = parsed.data.streams[0]!;

  const faults: string[] = [];
  if (stream.nb_read_packets !== expected.frames) {
    faults.push(`${stream.nb_read_packets} frames instead of ${expected.frames}`);
  }
  // A file of one frame has no rate to measure; Matroska rounds its time stamps to milliseconds.
  const rates = [stream.r_frame_rate, stream.avg_frame_rate].map((text) => parseFrameRate(text));
  if (expected.frames > 1 && !rates.some((rate) => rate && isSameRate(rate, expected.fps))) {
    faults.push(`${stream.r_frame_rate} frames per second instead of ${formatFrameRate(expected.fps)}`);
  }
  if (stream.width !== expected.width || stream.height !== expected.height) {
    faults.push(`${stream.width}x${stream.height} pixels instead of ${expected.width}x${expected.height}`);
  }
  if (faults.length > 0) throw new VerificationError(`the encoded video is wrong: ${faults.join(', ')}`, position);
}

function isSameRate(a: FrameRate, b: FrameRate): boolean {
  return Math.abs(a.num / a.den - b.num / b.den) < 1e-3 * (b.num / b.den);
}
