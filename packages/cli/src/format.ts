/** `1 frame`, `2 frames`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The value with at most `digits` digits after the decimal point. */
export function round(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** `900 bytes`, `1.2 MB`, `3.4 GB` (powers of 1000). */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return plural(bytes, 'byte');
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length);
  return `${round(bytes / 1000 ** power, 1)} ${units[power - 1]!}`;
}

/** `4.2 s`; `3:07` for a minute or more. */
export function formatSeconds(seconds: number): string {
  return seconds < 60 ? `${round(seconds, 1)} s` : formatClock(seconds);
}

/** `0:07`, `12:34`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** `0-74`: a range of frames, both ends included. */
export function formatRange({ startFrame, frameCount }: { startFrame: number; frameCount: number }): string {
  return `${startFrame}-${startFrame + frameCount - 1}`;
}
