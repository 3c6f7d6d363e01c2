import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isShortage } from './shortage.js';

/** One process, as Linux's /proc tells it. */
export interface ProcessStat {
  pid: number;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** In clock ticks since boot: with the pid it names a process for good. */
  startTime: string;
}

/**
 * Reads /proc/<pid>/stat; undefined when the process is gone or the system has no /proc. Throws where it cannot be
 * read now, since too many files are open: then nobody knows.
 */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readLine(`/proc/${pid}/stat`);
    // The command name may hold spaces and brackets; the fields begin after its last bracket (proc(5)).
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

/** More than such a line has: 52 numbers of at most 20 digits, and a name. */
const line = Buffer.allocUnsafeSlow(2048);

/** One read, into memory that is there: every process of the system is read so, often. */
function readLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    return line.toString('latin1', 0, readSync(file, line));
  } finally {
    closeSync(file);
  }
}

/** Calls that come within this time share one reading of /proc, which costs milliseconds. */
const SHARED_READING_MS = 2;
let reading: Promise<ProcessStat[]> | undefined;

/** Every process of the system, as it is at some moment after the call. As `readProcessesNow`. */
function readProcesses(): Promise<ProcessStat[]> {
  reading ??= setTimeout(SHARED_READING_MS).then(() => {
    reading = undefined;
    return readProcessesNow();
  });
  return reading;
}

/**
 * Every process of the system, read now, zombies too. Empty where there is no /proc. Throws where it cannot be read
 * now, since too many files are open.
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

/** Whether the process runs, or could: a zombie has ended. */
export function isAlive({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

/** Pids of those among the processes that live in the group or session that `leader` led. */
export function membersAmong(stats: readonly ProcessStat[], leader: number): number[] {
  return stats
    .filter(({ group, session }) => group === leader || session === leader)
    .filter(isAlive)
    .map(({ pid }) => pid);
}

/** Pids of the processes that live (zombies do not) in the group or session that `leader` led. */
export async function livingMembers(leader: number): Promise<number[]> {
  return membersAmong(await readProcesses(), leader);
}

/** The same, read now. */
export function livingMembersNow(leader: number): number[] {
  return membersAmong(readProcessesNow(), leader);
}

/** The child of a process that has one; undefined where it has none, or where that cannot be told. */
export function onlyChild(pid: number): number | undefined {
  try {
    const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
    return child > 0 ? child : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process group has members, zombies among them. */
export function groupExists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGKILL to a whole process group. False when there is none. */
export function killGroup(leader: number): boolean {
  try {
    process.kill(-leader, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** Sends SIGKILL to one process, if it is still there. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}
