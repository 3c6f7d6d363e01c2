import assert from 'node:assert/strict';
import { parseFrameHashes } from '../../src/ffmpeg/frameHashes.js';
import { runCommand } from '../../src/lifecycle/runCommand.js';

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** SHA-256 of the RGB of each frame of a file, decoded. */
export async function decodedHashes(path: string): Promise<string[]> {
  const hash = ['-pix_fmt', 'rgb24', '-f', 'framehash', '-hash', 'sha256', '-'];
  return parseFrameHashes(await output('ffmpeg', ['-v', 'error', '-i', path, '-fps_mode', 'passthrough', ...hash]));
}

/** The RGB of one frame of a file, decoded. */
export async function decodedFrame(path: string, frame: number): Promise<Buffer> {
  const pick = ['-vf', `select=eq(n\\,${frame})`, '-frames:v', '1', '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
  const text = await output('sh', ['-c', 'ffmpeg -v error -i "$0" "$@" - | base64', path, ...pick]);
  return Buffer.from(text, 'base64');
}

export interface Probe {
  stream: Record<string, unknown>;
  format: Record<string, unknown>;
  packets: { pts: number; dts: number; duration: number; flags: string }[];
}

/** What ffprobe says of the video stream and its packets. */
export async function probe(path: string): Promise<Probe> {
  const args = ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_streams', '-show_packets'];
  const { streams, format, packets } = JSON.parse(
    await output('ffprobe', [...args, '-show_format', '-of', 'json', path]),
  ) as { streams: Probe['stream'][]; format: Probe['format']; packets: Probe['packets'] };
  assert.equal(streams.length, 1);
  return { stream: streams[0]!, format, packets };
}

/** The mean difference of two pictures, in levels of 0 to 255. */
export function meanDifference(a: Buffer, b: Buffer): number {
  assert.equal(a.length, b.length);
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += Math.abs(a[index]! - b[index]!);
  return sum / a.length;
}
