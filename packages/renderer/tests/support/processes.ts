import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isAlive, readProcessesNow, type ProcessStat } from '../../src/lifecycle/processGroup.js';

/** One process of this machine, as /proc tells it. */
export interface ProcessInfo extends ProcessStat {
  /** Its arguments, read when they are asked for; empty when it is gone or a zombie. */
  readonly args: string[];
}

/** Every process there is now. */
export function allProcesses(): ProcessInfo[] {
  return readProcessesNow().map((stat) => ({
    ...stat,
    get args() {
      return readArguments(stat.pid);
    },
  }));
}

function readArguments(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Names a process for good: pids are used again. */
export function identity({ pid, startTime }: ProcessInfo): string {
  return `${pid}@${startTime}`;
}

/** All descendants of a process among these. */
export function descendantsOf(ancestor: number, processes: readonly ProcessInfo[]): ProcessInfo[] {
  const children = new Map<number, ProcessInfo[]>();
  for (const found of processes) children.set(found.parent, [...(children.get(found.parent) ?? []), found]);
  const below = (pid: number): ProcessInfo[] =>
    (children.get(pid) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(ancestor);
}

/** The living members of the groups or sessions that these processes lead or led. */
export function membersOf(leaders: ReadonlySet<number>, processes: readonly ProcessInfo[]): ProcessInfo[] {
  return processes.filter((found) => isAlive(found) && (leaders.has(found.group) || leaders.has(found.session)));
}

/**
 * The browser itself, its page's process, or ffmpeg in the group of a process that a render has told
 * of. The leader of that group may be a wrapper that only starts and guards them.
 */
export function findMember(leader: number, kind: 'browser' | 'page' | 'ffmpeg' | 'ffprobe'): number | undefined {
  const members = membersOf(new Set([leader]), allProcesses());
  return members.find(({ args }) => MEMBERS[kind](args))?.pid;
}

/** Chromium may write a process's whole command line into its first argument. */
const isBrowser = ([command = '']: string[]) => /chrom|headless/.test(basename(command.split(' ', 1)[0]!));
const isPage = (args: string[]) => args.join(' ').includes('--type=renderer');

const MEMBERS = {
  browser: (args: string[]) => isBrowser(args) && !args.join(' ').includes('--type='),
  page: isPage,
  ffmpeg: ([command = '']: string[]) => basename(command) === 'ffmpeg',
  ffprobe: ([command = '']: string[]) => basename(command) === 'ffprobe',
};
