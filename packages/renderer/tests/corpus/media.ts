import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runCommand } from '../../src/lifecycle/runCommand.js';

/**
 * A test picture in motion above a white bar that is 4 pixels longer with each frame: in frame n of
 * a clip it ends at 4 (n + 1).
 */
function clip(fps: number, seconds: number): string[] {
  const size = `r=${fps}:d=${seconds}`;
  const bar = "geq=lum='if(lt(X,4*(N+1)),235,16)':cb=128:cr=128";
  const graph = `testsrc2=s=160x70:${size}[top];color=black:s=160x20:${size},${bar}[bar];[top][bar]vstack`;
  return ['-filter_complex', graph];
}

// Sharp in every frame, so that each picture tells which one it is.
const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '16', '-g', '12', '-pix_fmt', 'yuv420p'];
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M', '-pix_fmt', 'yuv420p'];
const STEREO = ['-f', 'lavfi', '-i', 'sine=440:d=4', '-ac', '2'];

/** What each file is made with. The pictures' rates are not those of a video, so that no frame lies on an edge. */
const FILES: Record<string, string[]> = {
  'clip.mp4': [...clip(30, 3), ...H264],
  'clip.webm': [...clip(25, 3), ...VP9],
  'loop.mp4': [...clip(30, 0.3), ...H264],
  'clip.gif': [...clip(100 / 3, 1.2), '-loop', '0'],
  'clip.png': [...clip(40, 1), '-f', 'apng', '-plays', '0'],
  'clip.webp': [...clip(40, 1), '-c:v', 'libwebp_anim', '-loop', '0'],
  'tone.mp3': [...STEREO, '-c:a', 'libmp3lame'],
};

/** Makes the pictures, videos and sounds that the pages show, in this folder. */
export async function makeMedia(folder: string): Promise<void> {
  for (const [name, how] of Object.entries(FILES)) {
    const { code, stderr } = await runCommand('ffmpeg', ['-v', 'error', '-bitexact', ...how, join(folder, name)]);
    assert.equal(code, 0, `${name}: ${stderr}`);
  }
}
