import { readFileSync, readdirSync } from 'node:fs';

/** One process, as Linux's /proc tells it. */
interface ProcessStat {
  pid: number;
  state: string;
  group: number;
  session: number;
  /** In clock ticks since boot: with the pid it names a process for good. */
  startTime: string;
}

/** Reads /proc/<pid>/stat; undefined when the process is gone or the system has no /proc. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and brackets; the fields begin after its last bracket (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0]!,
      group: Number(fields[2]),
      session: Number(fields[3]),
      startTime: fields[19]!,
    };
  } catch {
    return undefined;
  }
}

/** Pids of the processes that live (zombies do not) in the group or session that `leader` led. */
export function livingMembers(leader: number): number[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return groupExists(leader) ? [leader] : [];
  }
  return entries
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined)
    .filter((stat) => stat.group === leader || stat.session === leader)
    .filter((stat) => stat.state !== 'Z' && stat.state !== 'X')
    .map((stat) => stat.pid);
}

/** True while anything is left in the process group, zombies included. */
export function groupExists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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
