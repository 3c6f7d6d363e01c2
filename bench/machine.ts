import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, freemem, loadavg, release, totalmem } from 'node:os';
import { findBrowser, findFfmpeg } from '@genlock/renderer/internal';

/** What the figures were measured on. */
export interface Machine {
  genlock: string;
  date: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
  freeBytes: number;
  kernel: string;
  node: string;
  browser: string;
  browserPath: string;
  ffmpeg: string;
  /** Load average of 1, 5 and 15 minutes before the start: near 0 on a machine that nobody else uses. */
  load: number[];
}

export async function describeMachine(): Promise<Machine> {
  const load = loadavg();
  const [browser, ffmpeg] = await Promise.all([findBrowser(), findFfmpeg()]);
  return {
    genlock: revision(),
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    freeBytes: freemem(),
    kernel: release(),
    node: process.version,
    browser: browser.version,
    browserPath: browser.path,
    ffmpeg: ffmpeg.version,
    load,
  };
}

export function machineText(machine: Machine): string {
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    `Genlock  ${machine.genlock}, ${machine.date}`,
    `Machine  ${machine.cpu}, ${machine.cores} cores, ${gigabytes(machine.memoryBytes)} (${gigabytes(machine.freeBytes)} free), Linux ${machine.kernel}`,
    `Software Node ${machine.node}, ${machine.browser} (${machine.browserPath}), ffmpeg ${machine.ffmpeg}`,
    `Load     ${machine.load.map((value) => value.toFixed(2)).join(' ')} before the start`,
  ].join('\n');
}

/** The commit, and `-dirty` where files differ from it. */
function revision(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown revision';
  }
}
