/** Reads the hashes from ffmpeg's `framehash` format, in the order of the frames. */
export function parseFrameHashes(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(line.lastIndexOf(',') + 1).trim());
}

/** Writes hashes in Genlock's own format: a line `<frame> <hash>` for each frame. */
export function formatHashes(hashes: readonly string[], startFrame: number): string {
  return hashes.map((hash, index) => `${startFrame + index} ${hash}\n`).join('');
}
