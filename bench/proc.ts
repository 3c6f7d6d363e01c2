/** Linux's /proc, as far as the bench needs it (proc(5)). Whatever is gone reads as undefined. */
import { readFileSync, readdirSync } from 'node:fs';

/** Clock ticks in a second: /proc counts CPU time in USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  pid: number;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** CPU-seconds of its own threads, living and ended: utime + stime. */
  cpu: number;
  /** CPU-seconds of its children that have ended and that it has waited for, and of theirs: cutime + cstime. */
  reapedCpu: number;
  /** In clock ticks since boot: with the pid it names a process for good. */
  startTime: string;
}

export function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The command name may hold spaces and brackets; field 3 begins after its last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
  return {
    pid,
    state: fields[0]!,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    cpu: seconds(11),
    reapedCpu: seconds(13),
    startTime: fields[19]!,
  };
}

/** Every process of the machine that lives; zombies do not. */
export function livingProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined)
    .filter(({ state }) => state !== 'Z' && state !== 'X');
}

/** Those of `processes` that descend from `ancestor`, itself left out. */
export function descendants(processes: readonly ProcessStat[], ancestor: number): ProcessStat[] {
  const children = processes.filter(({ parent }) => parent === ancestor);
  return children.flatMap((child) => [child, ...descendants(processes, child.pid)]);
}

/** What kind of process of Chromium's it is; `browser` for the main one. */
export function chromiumKind(pid: number): string {
  return /--type=([\w-]+)/.exec(commandLine(pid))?.[1] ?? 'browser';
}

export function commandLine(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
}

/** The environment that a process was started with; empty where it may not be read. */
export function environment(pid: number): Record<string, string> {
  const entries = (read(`/proc/${pid}/environ`) ?? '').split('\0').filter((entry) => entry.includes('='));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

/** Proportional set size in bytes: memory that several processes share counts in equal parts for each. */
export function readPss(pid: number): number | undefined {
  const match = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
