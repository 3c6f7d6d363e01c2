import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isShortage } from './shortage.js';

/** One process, as described by Linux's /proc. */
export interface ProcessStat {
  pid: number;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** In clock ticks since boot. Together with the pid it identifies a process uniquely. */
  startTime: string;
}

/**
 * Reads /proc/<pid>/stat. Undefined if the process is gone or the system has no /proc. Throws if too many files are
 * open to read it now.
 */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readLine(`/proc/${pid}/stat`);
    // The command name may contain spaces and brackets. The fields begin after the last bracket (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0]!,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      startTime: fields[19]!,
    };
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

/** Larger than any such line: 52 numbers of at most 20 digits, and a name. */
const line = Buffer.allocUnsafeSlow(2048);

/** Reads a line into a shared buffer, because every process of the system is read this way, often. */
function readLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    return line.toString('latin1', 0, readSync(file, line));
  } finally {
    closeSync(file);
  }
}

/** Calls within this many milliseconds share one reading of /proc, which takes milliseconds itself. */
const SHARED_READING_MS = 2;
let reading: Promise<ProcessStat[]> | undefined;

/** Like `readProcessesNow`, but read at some moment after the call. */
function readProcesses(): Promise<ProcessStat[]> {
  reading ??= setTimeout(SHARED_READING_MS).then(() => {
    reading = undefined;
    return readProcessesNow();
  });
  return reading;
}

/**
 * Every process of the system, read now, including zombies. Empty if there is no /proc. Throws if too many files are
 * open to read it now.
 */
export function readProcessesNow(): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch (error) {
    if (isShortage(error)) throw error;
    return [];
  }
  const pids = names.filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readStat(Number(pid))).filter((stat) => stat !== undefined);
}

/** Whether the process has not ended. A zombie has. */
export function isAlive({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

/** Pids of the living processes among `stats` that belong to the group or session of `leader`. */
export function membersAmong(stats: readonly ProcessStat[], leader: number): number[] {
  return stats
    .filter(({ group, session }) => group === leader || session === leader)
    .filter(isAlive)
    .map(({ pid }) => pid);
}

/** Pids of the living processes (not zombies) in the group or session of `leader`. */
export async function livingMembers(leader: number): Promise<number[]> {
  return membersAmong(await readProcesses(), leader);
}

/** The same, read now. */
export function livingMembersNow(leader: number): number[] {
  return membersAmong(readProcessesNow(), leader);
}

/** The child of a process that has only one. Undefined if it has none, or if that is unknown. */
export function onlyChild(pid: number): number | undefined {
  try {
    const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
    return child > 0 ? child : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process group has members, including zombies. */
export function groupExists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGKILL to a whole process group. False if there is no such group. */
export function killGroup(leader: number): boolean {
  try {
    process.kill(-leader, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGKILL to one process, if it still exists. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
