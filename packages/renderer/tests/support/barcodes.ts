import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runCommand } from '../../src/lifecycle/runCommand.js';

/** Every frame of these files tells its number: eight bars from the left, white for a bit that is set, lowest first. */
export const CELL = { width: 64, height: 16 };
const BAR = CELL.width / 8;
const BITS = `geq=lum='if(mod(floor(N/pow(2\\,floor(X/${BAR})))\\,2)\\,235\\,16)':cb=128:cr=128`;

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Makes a file of numbered frames in a folder, with the arguments of its encoder. Its name tells its kind. */
export async function makeBarcodes(folder: string, name: string, rate: string, seconds: number, encoder: string[]) {
  const source = `nullsrc=s=${CELL.width}x${CELL.height}:r=${rate}:d=${seconds},${BITS}`;
  await output('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...encoder, join(folder, name)]);
}

/** When each frame of a file begins, in seconds, and when the last one ends. */
export async function frameTimes(path: string): Promise<number[]> {
  const entries = ['-show_entries', 'packet=pts_time,duration_time'];
  const text = await output('ffprobe', ['-v', 'error', '-select_streams', 'v', ...entries, '-of', 'json', path]);
  const { packets } = JSON.parse(text) as { packets: { pts_time: string; duration_time: string }[] };
  const times = packets.map(({ pts_time }) => Number(pts_time)).sort((a, b) => a - b);
  const last = packets.find(({ pts_time }) => Number(pts_time) === times.at(-1));
  return [...times, times.at(-1)! + Number(last!.duration_time)];
}

/** The number in each cell of each frame of a video, cells counted in rows. */
export async function readBarcodes(path: string, width: number, height: number): Promise<number[][]> {
  const raw = ['-pix_fmt', 'gray', '-f', 'rawvideo'];
  const text = await output('sh', ['-c', 'ffmpeg -v error -i "$0" "$@" - | base64', path, ...raw]);
  const pixels = Buffer.from(text, 'base64');
  return Array.from({ length: pixels.length / width / height }, (_, frame) => {
    const cells: number[] = [];
    for (let y = CELL.height / 2; y < height; y += CELL.height) {
      for (let x = 0; x < width; x += CELL.width) {
        const row = frame * width * height + y * width + x + BAR / 2;
        cells.push(
          Array.from({ length: 8 }, (_bit, bit) => +(pixels[row + bit * BAR]! > 128) << bit).reduce((a, b) => a | b),
        );
      }
    }
    return cells;
  });
}
